/**
 * The life of a token: `iat`, `nbf`, `exp` as whole seconds (RFC 7519 §2, §4.1.4-6). Parsed once, compared at each
 * use, because a remembered verification says nothing about now.
 */
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import { attestationSkewMillis } from "../kernel/limits.ts";
import { ok, type Result } from "../kernel/result.ts";
import { addMillis, epochMillis, type EpochMillis, type Seconds } from "../kernel/time.ts";
import type { AttestationFault } from "../ports/attestor.ts";
import { refuse } from "./refuse.ts";

export interface TokenTimes {
  /** The later of `iat` and `nbf`. */
  readonly validFrom: EpochMillis;
  readonly expiresAt: EpochMillis;
}

/** The end of year 9999: what RFC 3339 can still write. */
const maxNumericDate = 253_402_300_799;

export function parseTokenTimes(claims: JsonObject, maxLifetime: Seconds): Result<TokenTimes, AttestationFault> {
  const { iat, exp, nbf } = claims;
  if (!isNumericDate(iat) || !isNumericDate(exp) || !(nbf === undefined || isNumericDate(nbf))) return refuse("claims");
  if (exp <= iat || exp - iat > maxLifetime) return refuse("lifetime");
  return ok({ validFrom: epochMillis(Math.max(iat, nbf ?? 0) * 1000), expiresAt: epochMillis(exp * 1000) });
}

/** The skew is granted at both ends; at its very edge a token is already good, and no longer good. */
export function checkTimes(times: TokenTimes, now: EpochMillis): Result<void, AttestationFault> {
  if (now >= addMillis(times.expiresAt, attestationSkewMillis)) return refuse("expired");
  if (addMillis(now, attestationSkewMillis) < times.validFrom) return refuse("not_yet_valid");
  return ok();
}

const isNumericDate = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= maxNumericDate;
