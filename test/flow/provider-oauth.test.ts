/** Opaque tokens of oidc-provider, from attestation to a refused call of an API that introspects. */
import { judgeByIntrospection, startOAuthServer, startProtectedApi } from "../support/oauth-server.ts";
import { describeRealProvider } from "../support/flow/real-provider.ts";

const audience = "https://ledger.example/";
const [read, write] = ["ledger:read", "ledger:write"];
const client = { id: "broker", method: "client_secret_basic", secret: "flow-secret" } as const;
const apiClient = { id: "api", method: "client_secret_basic", secret: "api-secret" } as const;

describeRealProvider("oauth, on oidc-provider", "dead-verified", async () => {
  const server = await startOAuthServer({
    clients: [client, apiClient],
    resources: [{ url: audience, scopes: [read, write], format: "opaque", ttlSeconds: 600 }],
  });
  const judge = judgeByIntrospection({
    endpoint: server.introspectionEndpoint,
    authorization: () => `Basic ${btoa(`${apiClient.id}:${apiClient.secret}`)}`,
    audience,
  });
  const api = await startProtectedApi({ scope: read, judge });
  const another = await startProtectedApi({ scope: write, judge });
  return {
    provider: {
      type: "oauth",
      issuer: server.issuer,
      clientId: client.id,
      clientAuth: client.method,
      clientSecret: { env: "FLOW_OTHER_SECRET" },
      maxTokenSeconds: 600,
    },
    template: {
      scope: { scopes: [read], resource: audience },
      allowEarlyKill: true,
      requires: { revocation: ["immediate"] },
    },
    env: { FLOW_OTHER_SECRET: client.secret },
    works: async ({ access_token: token = "" }) => (await api.use(token)) === 200,
    oversteps: async ({ access_token: token = "" }) => (await another.use(token)) === 200,
    close: async () => void (await Promise.all([api, another, server].map((one) => one.close()))),
  };
});
