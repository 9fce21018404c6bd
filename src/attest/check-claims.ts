/** The claims of a token whose signature is good (RFC 7519 §4.1, RFC 8725 §3.8-§3.12). Missing means refused. */
import type { Replay } from "../domain/identity.ts";
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import { maxSubjectLength, maxTokenIdLength } from "../kernel/limits.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { AttestationFault } from "../ports/attestor.ts";
import type { CheckedHeader } from "./check-header.ts";
import type { TrustedIssuer } from "../domain/trusted-issuer.ts";
import { refuse } from "./refuse.ts";
import { parseTokenTimes, type TokenTimes } from "./token-times.ts";

export interface CheckedClaims {
  readonly subject: string;
  readonly times: TokenTimes;
  readonly replay: Replay;
}

export function checkClaims(
  claims: JsonObject,
  header: CheckedHeader,
  facts: TrustedIssuer,
): Result<CheckedClaims, AttestationFault> {
  // A security event or logout token (RFC 8417 §2.2) of an issuer that does not set `typ`.
  if (header.isPlainType && claims["events"] !== undefined) return refuse("type");
  // Bound to a key (RFC 7800): taking it without proof of that key would make a stolen one good.
  if (claims["cnf"] !== undefined) return refuse("claims");
  if (!isOnly(claims["aud"], facts.audience)) return refuse("audience");
  const subject = claims["sub"];
  if (!isPlainText(subject, maxSubjectLength)) return refuse("claims");
  const times = parseTokenTimes(claims, facts.maxLifetimeSeconds);
  if (!times.ok) return times;
  const replay = parseReplay(claims["jti"], facts);
  return replay.ok ? ok({ subject, times: times.value, replay: replay.value }) : replay;
}

/** A token for us and somebody else could be replayed here by that somebody. */
function isOnly(audience: Json | undefined, expected: string): boolean {
  return Array.isArray(audience) ? audience.length === 1 && audience[0] === expected : audience === expected;
}

function parseReplay(tokenId: Json | undefined, facts: TrustedIssuer): Result<Replay, AttestationFault> {
  if (facts.replay === "reusable") return ok({ mode: "reusable" });
  if (tokenId === undefined) return refuse("token_id_missing");
  return isPlainText(tokenId, maxTokenIdLength) ? ok({ mode: "once", tokenId }) : refuse("claims");
}

/** Not empty, bounded, without control characters: it is matched, stored and shown. */
function isPlainText(value: Json | undefined, maxLength: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxLength && !/\p{Cc}/u.test(value);
}
