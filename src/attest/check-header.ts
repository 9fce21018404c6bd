/**
 * The header of a token against what its issuer may use (RFC 8725 §3.1, §3.11). `jku`, `x5u`, `jwk` and `x5c` are
 * never read: a token has no say in which key verifies it.
 */
import type { JsonObject } from "../kernel/canonical-json.ts";
import { maxTokenIdLength } from "../kernel/limits.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { AttestationFault } from "../ports/attestor.ts";
import type { TrustedIssuer, SignatureAlgorithm } from "../domain/trusted-issuer.ts";
import { refuse } from "./refuse.ts";

export interface CheckedHeader {
  readonly algorithm: SignatureAlgorithm;
  readonly keyId: string | undefined;
  /** Whether the type says no more than "some JWT": then the claims must not look like another kind of token. */
  readonly isPlainType: boolean;
}

export function checkHeader(header: JsonObject, facts: TrustedIssuer): Result<CheckedHeader, AttestationFault> {
  const algorithm = facts.algorithms.find((accepted) => accepted === header["alg"]);
  if (algorithm === undefined) return refuse("algorithm");
  const type = header["typ"] === undefined ? "jwt" : mediaType(header["typ"]);
  const isPlainType = type === "jwt";
  if (!isPlainType && !facts.types.some((accepted) => mediaType(accepted) === type)) return refuse("type");
  const keyId = header["kid"];
  if (keyId === undefined) return ok({ algorithm, keyId, isPlainType });
  if (typeof keyId !== "string" || keyId === "" || keyId.length > maxTokenIdLength) return refuse("malformed");
  return ok({ algorithm, keyId, isPlainType });
}

/** `typ` is a media type: case does not matter and `application/` may be left out (RFC 7515 §4.1.9). */
function mediaType(typ: unknown): string | undefined {
  return typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : undefined;
}
