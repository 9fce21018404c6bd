/**
 * The oauth provider against Glewlwyd, an authorization server with other habits: its metadata leaves out the grant and
 * methods that it serves, Basic credentials are not decoded, and assertions must name the endpoint that they go to.
 */
import { oauthProviderType } from "../../providers/oauth/index.ts";
import { startGlewlwyd, type GlewlwydClient } from "../../scripts/servers/glewlwyd.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { judgeByIntrospection, judgeBySignature, startProtectedApi } from "../support/oauth-server.ts";
import { bearerOf, secretsOnTheWire } from "../support/oauth-wire.ts";
import { createProvider, createTestSigner, createTestTools } from "../support/provider-tools.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { ProviderHarness, ProviderTraits } from "./provider/harness.ts";

const audience = "https://reports.example/";
const clientSecret = 'canary: p+r%20o&b=e/~"*';
const introspectionScope = "introspect";
const api: GlewlwydClient = {
  id: "api",
  method: "client_secret_basic",
  secret: "api-secret",
  scopes: [introspectionScope],
};

type Apis = "introspect" | "check the signature";

async function start(method: GlewlwydClient["method"], apis: Apis, more: JsonObject): Promise<ProviderHarness> {
  const proxy = await startFaultProxy();
  const signer = await createTestSigner();
  const ours = { id: "broker", scopes: ["reports:emea:read", "reports:write"] };
  const server = await startGlewlwyd({
    externalUrl: proxy.url,
    clients: [
      method === "private_key_jwt"
        ? { ...ours, method, jwks: { keys: [...signer.publicKeys()] } }
        : { ...ours, method, secret: clientSecret },
      api,
    ],
    scopes: { "reports:emea:read": audience, "reports:write": audience },
    introspectionScope,
    tokenSeconds: 300,
  });
  proxy.forwardTo(server.url);
  const endpoint = `${server.url}${server.paths.introspection}`;
  const { issuer } = server;
  const judge =
    apis === "introspect"
      ? judgeByIntrospection({ endpoint, audience, authorization: () => apiAuthorization(server) })
      : judgeBySignature({ jwksUri: `${server.url}${server.paths.jwks}`, issuer, audience });
  const protectedApi = await startProtectedApi({ scope: "reports:emea:read", judge });
  const tools = await createTestTools({ signer, secrets: { CLIENT_SECRET: clientSecret } });
  const secret = method === "private_key_jwt" ? {} : { clientSecret: { env: "CLIENT_SECRET" } };
  const options = {
    issuer,
    clientId: "broker",
    clientAuth: method,
    accessTokens: "jwt",
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
      use: async (credential) => ((await protectedApi.use(bearerOf(credential))) === 200 ? "accepted" : "refused"),
      scopeOf: async (credential) => [...((await judge(bearerOf(credential))) ?? [])].sort(),
    },
    path: { proxy, mint: server.paths.token, revoke: server.paths.revocation, probe: server.paths.introspection },
    canaries: () => secretsOnTheWire(proxy, clientSecret),
    async close() {
      await Promise.all([tools.close(), protectedApi.close(), proxy.close(), server.stop()]);
    },
  };
}

/** Only a token's own client may introspect by its own credentials; an API does it with a token that allows it. */
async function apiAuthorization(server: { url: string; paths: { token: string } }): Promise<string> {
  const answer = await fetch(`${server.url}${server.paths.token}`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("api:api-secret")}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope: introspectionScope }),
  });
  const body = (await answer.json()) as { access_token: string };
  return `Bearer ${body.access_token}`;
}

const verified: ProviderTraits = {
  verdict: "dead-verified",
  systemRefuses: true,
  unknownVerdict: "expires-only",
  remote: true,
};
const expiring: ProviderTraits = { ...verified, verdict: "expires-only", systemRefuses: false };
const grants = "grant_types_supported";
const methods = ["revocation_endpoint_auth_methods_supported", "introspection_endpoint_auth_methods_supported"];

describeProvider("oauth on Glewlwyd, APIs that introspect, client_secret_basic", verified, () =>
  start("client_secret_basic", "introspect", {
    revocation: "immediate",
    clientSecretEncoding: "none",
    ignoreMetadata: [grants],
  }),
);
describeProvider("oauth on Glewlwyd, APIs that introspect, client_secret_post", verified, () =>
  start("client_secret_post", "introspect", { revocation: "immediate", ignoreMetadata: [grants, ...methods] }),
);
describeProvider("oauth on Glewlwyd, APIs that introspect, private_key_jwt", verified, () =>
  start("private_key_jwt", "introspect", {
    revocation: "immediate",
    assertionAudience: "called_endpoint",
    ignoreMetadata: [grants, ...methods],
  }),
);
describeProvider("oauth on Glewlwyd, APIs that check the signature, client_secret_post", expiring, () =>
  start("client_secret_post", "check the signature", { ignoreMetadata: [grants, ...methods] }),
);
