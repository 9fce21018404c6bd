/** Verifies who presents an attestation. Nothing in a token's header can cause a request to anywhere. */
import type { Identity } from "../domain/identity.ts";
import type { Redacted } from "../kernel/redacted.ts";
import type { Result } from "../kernel/result.ts";
import type { EpochMillis } from "../kernel/time.ts";

export interface Attestor {
  verify(attestation: Redacted, now: EpochMillis): Promise<Result<Identity, AttestationFault>>;
}

/** Public answers stay generic; `reason` goes to log, audit and the `reason` member. */
export interface AttestationFault {
  readonly reason: AttestationReason;
}

export type AttestationReason =
  | "malformed"
  | "too_large"
  | "unknown_issuer"
  | "algorithm"
  | "type"
  | "unknown_key"
  | "keys_unavailable"
  | "signature"
  | "audience"
  | "expired"
  | "not_yet_valid"
  | "lifetime"
  | "claims"
  | "token_id_missing"
  | "replay_mode";
