/** The oauth provider against a real authorization server, in each way that it can be configured to kill. */
import { oauthProviderType } from "../../providers/oauth/index.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import {
  judgeByIntrospection,
  judgeBySignature,
  startOAuthServer,
  startProtectedApi,
} from "../support/oauth-server.ts";
import { createProvider, createTestSigner, createTestTools, publishKeys } from "../support/provider-tools.ts";
import { bearerOf, secretsOnTheWire } from "../support/oauth-wire.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { ProviderHarness, ProviderTraits } from "./provider/harness.ts";

const opaqueApi = "https://reports.example/";
const jwtApi = "https://ledger.example/";
/** With what breaks careless form encoding. */
const clientSecret = 'canary: p+r%20o&b=e/~"*';
const apiAuthorization = `Basic ${btoa("api:api-secret")}`;

type Method = "private_key_jwt" | "client_secret_basic" | "client_secret_post";

async function start(method: Method, tokens: "opaque" | "jwt", more: JsonObject): Promise<ProviderHarness> {
  const proxy = await startFaultProxy();
  const signer = await createTestSigner();
  const keys = await publishKeys(signer);
  const ours = { id: "broker", method };
  const server = await startOAuthServer({
    issuer: proxy.url,
    clients: [
      method === "private_key_jwt"
        ? { ...ours, method, jwksUri: `${keys.url}/jwks` }
        : { ...ours, method, secret: clientSecret },
      { id: "api", method: "client_secret_basic", secret: "api-secret" },
    ],
    resources: [
      { url: opaqueApi, scopes: ["reports:emea:read", "reports:write"], format: "opaque", ttlSeconds: 300 },
      { url: jwtApi, scopes: ["reports:emea:read", "reports:write"], format: "jwt", ttlSeconds: 300 },
    ],
  });
  proxy.forwardTo(server.url);
  const audience = tokens === "opaque" ? opaqueApi : jwtApi;
  const introspect = { endpoint: server.introspectionEndpoint, authorization: () => apiAuthorization, audience };
  const judge =
    tokens === "opaque"
      ? judgeByIntrospection(introspect)
      : judgeBySignature({ jwksUri: server.jwksUri, issuer: server.issuer, audience });
  const api = await startProtectedApi({ scope: "reports:emea:read", judge });
  const tools = await createTestTools({ signer, secrets: { CLIENT_SECRET: clientSecret } });
  const secret = method === "private_key_jwt" ? {} : { clientSecret: { env: "CLIENT_SECRET" } };
  const options = {
    issuer: proxy.url,
    clientId: "broker",
    clientAuth: method,
    maxTokenSeconds: 300,
    ...secret,
    ...more,
  };
  return {
    provider: await createProvider(oauthProviderType, options, tools),
    scope: { scopes: ["reports:${parameters.region}:read"], resource: audience },
    parameters: { region: "emea" },
    system: {
      wantedScope: ["reports:emea:read"],
      use: async (credential) => ((await api.use(bearerOf(credential))) === 200 ? "accepted" : "refused"),
      scopeOf: async (credential) => [...((await judge(bearerOf(credential))) ?? [])].sort(),
    },
    path: {
      proxy,
      mint: "/token",
      revoke: "/token/revocation",
      probe: more["introspection"] === false ? null : "/token/introspection",
    },
    canaries: () => secretsOnTheWire(proxy, clientSecret),
    async close() {
      await Promise.all([tools.close(), api.close(), proxy.close(), server.close(), keys.close()]);
    },
  };
}

const verified: ProviderTraits = {
  verdict: "dead-verified",
  systemRefuses: true,
  unknownVerdict: "expires-only",
  remote: true,
};
const trusted: ProviderTraits = { ...verified, verdict: "dead-unverified" };
const expiring: ProviderTraits = { ...verified, verdict: "expires-only", systemRefuses: false };

describeProvider("oauth, opaque tokens, private_key_jwt", verified, () => start("private_key_jwt", "opaque", {}));
describeProvider("oauth, opaque tokens, client_secret_basic", verified, () =>
  start("client_secret_basic", "opaque", {}),
);
describeProvider("oauth, opaque tokens, revocation taken on trust, client_secret_post", trusted, () =>
  start("client_secret_post", "opaque", { introspection: false, revocation: "immediate" }),
);
describeProvider("oauth, jwt tokens, private_key_jwt", expiring, () =>
  start("private_key_jwt", "jwt", { accessTokens: "jwt" }),
);
