/**
 * Mints the broker's own access tokens (RFC 9068): a computation with the signing ring, no request anywhere. The `jti`
 * is the lease id, so the token names its lease and no copy of it needs keeping.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import { epochMillis, secondsToMillis, toNumericDate } from "../../src/kernel/time.ts";
import type { MintOutcome, MintPlan, MintRequest, PlanRequest } from "../../src/ports/provider.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";
import type { JwtOptions } from "./options.ts";
import type { JwtScope } from "./scope.ts";

/** The media type of RFC 9068 §2.1, as a `typ` header. */
export const accessTokenType = "at+jwt";

export const planJwt = (options: JwtOptions, { leaseId, scope }: PlanRequest<JwtScope>): MintPlan => ({
  handle: { introspected: scope.introspected, jti: leaseId },
  worstCaseTtl: secondsToMillis(options.maxTtlSeconds),
});

export async function mintJwt(
  tools: { readonly issuerUrl: string; readonly signer: TokenSigner },
  request: MintRequest<JwtScope>,
): Promise<MintOutcome> {
  const { scope, leaseId, taskId, agent, subject, handle } = request;
  const issuedAt = toNumericDate(request.now);
  const expiresAt = toNumericDate(request.expiresAt);
  if (expiresAt <= issuedAt) return { kind: "rejected", reason: "lifetime_under_a_second", retryable: false };
  const claims = {
    iss: tools.issuerUrl,
    sub: subject,
    aud: scope.audience,
    client_id: agent,
    jti: leaseId,
    iat: issuedAt,
    exp: expiresAt,
    scope: scope.scopes.join(" "),
    task_id: taskId,
  };
  const token = await tools.signer.sign({ type: accessTokenType, claims });
  return {
    kind: "minted",
    minted: {
      credential: { kind: "bearer", value: new Redacted(token, "access token"), tokenType: "Bearer" },
      handle,
      secretToKeep: null,
      findByFingerprint: false,
      nativeExpiresAt: epochMillis(expiresAt * 1000),
      granted: null,
    },
  };
}
