/**
 * Every way a request can fail, by meaning. The HTTP layer maps each once (wire-faults); `detail` is for the log and
 * the audit, never for the wire, unless the member says "public".
 */
import type { GateReason } from "../domain/gate.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { Seconds } from "../kernel/time.ts";
import type { AttestationReason } from "../ports/attestor.ts";

export type Fault =
  /** `message` is public: it names the caller's own mistake. */
  | { readonly code: "malformed"; readonly message: string }
  | { readonly code: "attestation_refused"; readonly why: AttestationReason }
  /** Verified, but no AgentProfile matches; answered like a refused attestation. */
  | { readonly code: "not_registered" }
  | { readonly code: "foreign_client" }
  | { readonly code: "unsupported_grant_type" }
  | { readonly code: "invalid_scope"; readonly why: string; readonly detail: string }
  | { readonly code: "invalid_target"; readonly detail: string }
  | { readonly code: "invalid_details"; readonly why: string; readonly detail: string }
  | { readonly code: "denied"; readonly why: string; readonly detail: string }
  /** Unknown and foreign things alike. */
  | { readonly code: "not_found" }
  | { readonly code: "task_closed"; readonly gate: GateReason; readonly taskId: TaskId | null }
  | { readonly code: "limit_reached"; readonly limit: string; readonly retryAfterSeconds: Seconds }
  | { readonly code: "replayed" }
  | { readonly code: "key_reused" }
  | { readonly code: "already_delivered"; readonly leaseId: LeaseId }
  /** Nothing was delivered; asking again later can help. `why` is public and from a closed set. */
  | { readonly code: "unavailable"; readonly why: UnavailableReason; readonly retryAfterSeconds: Seconds };

export type UnavailableReason =
  | "store"
  | "suspended"
  | "kill_path_broken"
  | "provider"
  | "mint_outcome_unknown"
  | "over_before_answer"
  | "request_in_flight"
  | "keys_unavailable"
  | "policy";

export type FaultCode = Fault["code"];
