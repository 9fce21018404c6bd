/** The peer: oidc-provider with private_key_jwt and ES256 JWT access tokens, all of its state in memory. */
import type { JsonWebKey } from "node:crypto";
import { startOAuthServer } from "../../servers/oauth-server.ts";
import { serveActor } from "../actor.ts";

serveActor({
  async start(options: { publicJwk: JsonWebKey; clientId: string; resource: string; scope: string }) {
    const server = await startOAuthServer({
      clients: [{ id: options.clientId, method: "private_key_jwt", jwks: { keys: [options.publicJwk] } }],
      resources: [{ url: options.resource, scopes: [options.scope], format: "jwt", ttlSeconds: 300 }],
    });
    return { issuer: server.issuer, tokenUrl: `${server.url}/token` };
  },
  usage: () => process.cpuUsage(),
});
