/** Tokens of Glewlwyd, from attestation to a refused call of an API that introspects. */
import {
  glewlwydAudience,
  glewlwydScopes,
  glewlwydTokenSeconds,
  startGlewlwydWorld,
} from "../support/glewlwyd-world.ts";
import { describeRealProvider } from "../support/flow/real-provider.ts";

const secret = "flow-secret";

describeRealProvider("oauth, on Glewlwyd", "dead-verified", async () => {
  const method = "client_secret_post";
  const client = { id: "broker", method, secret, scopes: Object.values(glewlwydScopes) } as const;
  const world = await startGlewlwydWorld({ client, apis: "introspect" });
  return {
    provider: {
      type: "oauth",
      issuer: world.server.issuer,
      clientId: client.id,
      clientAuth: method,
      clientSecret: { env: "FLOW_GLEWLWYD_SECRET" },
      accessTokens: "jwt",
      revocation: "immediate",
      maxTokenSeconds: glewlwydTokenSeconds,
    },
    template: {
      scope: { scopes: [glewlwydScopes.read], resource: glewlwydAudience },
      allowEarlyKill: true,
      requires: { revocation: ["immediate"] },
    },
    env: { FLOW_GLEWLWYD_SECRET: secret },
    works: async ({ access_token: token = "" }) => (await world.api.use(token)) === 200,
    oversteps: async ({ access_token: token = "" }) => (await world.scopesOf(token)).includes(glewlwydScopes.write),
    close: () => world.close(),
  };
});
