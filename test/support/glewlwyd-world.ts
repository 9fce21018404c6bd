/**
 * A real Glewlwyd with one client and an API that introspects or checks signatures. Its tokens are JWTs for
 * `glewlwydAudience`; the API wants the scope `read`, and `write` is what a token for it must not do.
 */
import { startGlewlwyd, type GlewlwydClient, type GlewlwydServer } from "../../scripts/servers/glewlwyd.ts";
import { judgeByIntrospection, judgeBySignature, startProtectedApi, type ProtectedApi } from "./oauth-server.ts";

export const glewlwydAudience = "https://reports.example/";
export const glewlwydScopes = { read: "reports:emea:read", write: "reports:write" } as const;
/** Also how long the API's own token lives, which is got once. */
export const glewlwydTokenSeconds = 600;

export interface GlewlwydWorld {
  readonly server: GlewlwydServer;
  readonly api: ProtectedApi;
  /** What a token may do by the server's word, or by its own where only signatures are checked. */
  scopesOf(token: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const introspectionScope = "introspect";
const apiClient = {
  id: "api",
  method: "client_secret_basic",
  secret: "api-secret",
  scopes: [introspectionScope],
} as const;

export async function startGlewlwydWorld(options: {
  client: GlewlwydClient;
  apis: "introspect" | "check the signature";
  externalUrl?: string;
}): Promise<GlewlwydWorld> {
  const { client, apis, ...more } = options;
  const server = await startGlewlwyd({
    ...more,
    clients: [client, apiClient],
    scopes: { [glewlwydScopes.read]: glewlwydAudience, [glewlwydScopes.write]: glewlwydAudience },
    introspectionScope,
    tokenSeconds: glewlwydTokenSeconds,
  });
  const at = (path: keyof GlewlwydServer["paths"]): string => `${server.url}${server.paths[path]}`;
  let authorization: Promise<string> | undefined;
  const judge =
    apis === "introspect"
      ? judgeByIntrospection({
          endpoint: at("introspection"),
          audience: glewlwydAudience,
          authorization: () => (authorization ??= authorizeApi(at("token"))),
        })
      : judgeBySignature({ jwksUri: at("jwks"), issuer: server.issuer, audience: glewlwydAudience });
  const api = await startProtectedApi({ scope: glewlwydScopes.read, judge });
  return {
    server,
    api,
    scopesOf: async (token) => (await judge(token)) ?? [],
    async close() {
      await Promise.all([api.close(), server.stop()]);
    },
  };
}

/** Only a token's own client may introspect by its own credentials; an API does it with a token that allows it. */
async function authorizeApi(tokenEndpoint: string): Promise<string> {
  const answer = await fetch(tokenEndpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${apiClient.id}:${apiClient.secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: introspectionScope }),
  });
  const body = (await answer.json()) as { access_token: string };
  return `Bearer ${body.access_token}`;
}
