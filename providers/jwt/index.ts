/** The `jwt` provider: the broker's own access tokens (RFC 9068), for resource servers that trust its `/jwks`. */
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { Provider, ProviderType } from "../../src/ports/provider.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";
import { configurationDigest } from "../shared/configuration-digest.ts";
import { accessTokenType, mintJwt, planJwt } from "./mint.ts";
import { parseJwtOptions } from "./options.ts";
import { revokeJwt } from "./revoke.ts";
import { jwtCapabilities, parseJwtScope, type JwtScope } from "./scope.ts";

export const jwtProviderType: ProviderType = {
  type: "jwt",
  async create(raw, tools) {
    const parsed = parseJwtOptions(raw);
    if (!parsed.ok) return parsed;
    const options = parsed.value;
    const provider: Provider<JwtScope> = {
      type: "jwt",
      capabilities: jwtCapabilities(options, true),
      // Its system is this broker, whatever the broker is called: the kill is the lease's own state.
      digest: await configurationDigest("jwt", { ...raw, issuer: tools.issuerUrl }, {}),
      parseScope: (scope) => parseJwtScope(scope, options),
      plan: (request) => planJwt(options, request),
      mint: (request) => mintJwt(tools, request),
      revoke: async ({ lease }) => revokeJwt(lease),
      check: () => checkSigning(tools.signer),
      close: async () => undefined,
    };
    return ok(provider);
  },
};

/** A token of a type that no one accepts, signed and verified. */
async function checkSigning(signer: TokenSigner): Promise<Result<void, string>> {
  const type = "mayfly-check+jwt";
  const token = await signer.sign({ type, claims: { check: true } });
  const verified =
    (await signer.verify(token, type)) !== undefined && (await signer.verify(token, accessTokenType)) === undefined;
  return verified ? ok() : err("the signing ring does not verify its own token");
}
