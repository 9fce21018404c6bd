/**
 * The oauth provider against Glewlwyd, an authorization server with other habits: its metadata leaves out the grant and
 * methods that it serves, Basic credentials are not decoded, and assertions must name the endpoint that they go to.
 */
import { oauthProviderType } from "../../providers/oauth/index.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import {
  glewlwydAudience,
  glewlwydScopes,
  glewlwydTokenSeconds,
  startGlewlwydWorld,
} from "../support/glewlwyd-world.ts";
import { bearerOf, secretsOnTheWire } from "../support/oauth-wire.ts";
import { createProvider, createTestSigner, createTestTools } from "../support/provider-tools.ts";
import { describeProvider } from "./provider/describe-provider.ts";
import type { ProviderHarness, ProviderTraits } from "./provider/harness.ts";

const clientSecret = 'canary: p+r%20o&b=e/~"*';

type Start = Parameters<typeof startGlewlwydWorld>[0];

async function start(
  method: Start["client"]["method"],
  apis: Start["apis"],
  more: JsonObject,
): Promise<ProviderHarness> {
  const proxy = await startFaultProxy();
  const signer = await createTestSigner();
  const ours = { id: "broker", scopes: Object.values(glewlwydScopes) };
  const world = await startGlewlwydWorld({
    externalUrl: proxy.url,
    client:
      method === "private_key_jwt"
        ? { ...ours, method, jwks: { keys: [...signer.publicKeys()] } }
        : { ...ours, method, secret: clientSecret },
    apis,
  });
  const { server } = world;
  proxy.forwardTo(server.url);
  const tools = await createTestTools({ signer, secrets: { CLIENT_SECRET: clientSecret } });
  const secret = method === "private_key_jwt" ? {} : { clientSecret: { env: "CLIENT_SECRET" } };
  const options = {
    issuer: server.issuer,
    clientId: "broker",
    clientAuth: method,
    accessTokens: "jwt",
    maxTokenSeconds: glewlwydTokenSeconds,
    ...secret,
    ...more,
  };
  return {
    provider: await createProvider(oauthProviderType, options, tools),
    scope: { scopes: ["reports:${parameters.region}:read"], resource: glewlwydAudience },
    parameters: { region: "emea" },
    system: {
      wantedScope: [glewlwydScopes.read],
      use: async (credential) => ((await world.api.use(bearerOf(credential))) === 200 ? "accepted" : "refused"),
      scopeOf: async (credential) => [...(await world.scopesOf(bearerOf(credential)))].sort(),
    },
    path: { proxy, mint: server.paths.token, revoke: server.paths.revocation, probe: server.paths.introspection },
    canaries: () => secretsOnTheWire(proxy, clientSecret),
    async close() {
      await Promise.all([tools.close(), proxy.close(), world.close()]);
    },
  };
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
