/**
 * A real OAuth authorization server (the oidc-provider package) as a place where credentials come from: opaque and JWT
 * access tokens by client_credentials, introspection and revocation.
 */
import { startOidcProvider, type RunningServer, type ServerOptions } from "./oidc-provider.ts";

export interface OAuthServer extends RunningServer {
  readonly tokenEndpoint: string;
  readonly introspectionEndpoint: string;
  readonly revocationEndpoint: string;
  readonly jwksUri: string;
}

/** The endpoints are those of the server itself, also where something stands in front of it. */
export async function startOAuthServer(options: ServerOptions): Promise<OAuthServer> {
  const { paths, ...server } = await startOidcProvider(options);
  return {
    ...server,
    tokenEndpoint: `${server.url}${paths.token}`,
    introspectionEndpoint: `${server.url}${paths.introspection}`,
    revocationEndpoint: `${server.url}${paths.revocation}`,
    jwksUri: `${server.url}${paths.jwks}`,
  };
}
