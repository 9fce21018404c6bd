/** The broker's own access tokens, used at an API that checks them with jose against the published keys. */
import { jwtProviderType } from "../../providers/jwt/index.ts";
import { judgeBySignature, startProtectedApi } from "../support/oauth-server.ts";
import { brokerUrl, createProvider, createTestTools, publishKeys } from "../support/provider-tools.ts";
// As a provider of another repository imports it.
import { describeProvider, type ProviderHarness, type ProviderTraits } from "mayfly/provider-kit";

async function start(introspected: boolean): Promise<ProviderHarness> {
  const tools = await createTestTools();
  const keys = await publishKeys(tools.signer);
  const audience = "https://ledger.example/tenants/emea";
  const judge = judgeBySignature({ jwksUri: `${keys.url}/jwks`, issuer: brokerUrl, audience });
  const api = await startProtectedApi({ scope: "read:emea", judge });
  return {
    provider: await createProvider(jwtProviderType, { maxTtlSeconds: 300 }, tools),
    scope: {
      audience: "https://ledger.example/tenants/${parameters.tenant}",
      scopes: ["read:${parameters.tenant}", "list"],
      introspected,
    },
    parameters: { tenant: "emea" },
    system: {
      wantedScope: ["list", "read:emea"],
      use: async (credential) => ((await api.use(tokenOf(credential))) === 200 ? "accepted" : "refused"),
      scopeOf: async (credential) => [...((await judge(tokenOf(credential))) ?? [])].sort(),
    },
    path: null,
    canaries: () => [],
    async close() {
      await Promise.all([tools.close(), api.close(), keys.close()]);
    },
  };
}

function tokenOf(credential: Parameters<ProviderHarness["system"]["use"]>[0]): string {
  if (credential.kind !== "bearer") throw new Error("an access token is a bearer credential");
  return credential.value.reveal();
}

/**
 * This API checks signatures only, so it goes on accepting. For an introspecting one the broker's introspection is
 * what refuses, by gate and lease: that is shown where the broker is, not here.
 */
const introspected: ProviderTraits = {
  verdict: "dead-unverified",
  systemRefuses: false,
  unknownVerdict: "already-gone",
  remote: false,
};
const signatureOnly: ProviderTraits = { ...introspected, verdict: "expires-only" };

describeProvider("jwt, introspected", introspected, () => start(true));
describeProvider("jwt, checked by signature only", signatureOnly, () => start(false));
