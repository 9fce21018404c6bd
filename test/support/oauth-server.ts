/** The demonstration's authorization server and API, which the tests use as they are. */
export { startOAuthServer, type OAuthServer } from "../../scripts/servers/oauth-server.ts";
export {
  judgeByIntrospection,
  judgeBySignature,
  startProtectedApi,
  type ProtectedApi,
} from "../../scripts/servers/protected-api.ts";
