/** One credential that was, or may have been, minted for a task. Each state holds exactly what exists in it. */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type { AgentName, IssuerName, ProviderName, TargetName, TemplateName } from "./names.ts";
import type { VerdictKind } from "./verdict.ts";

export interface Lease {
  readonly id: LeaseId;
  readonly taskId: TaskId;
  readonly agent: AgentName;
  readonly issuer: IssuerName;
  readonly template: TemplateName;
  readonly provider: ProviderName;
  readonly target: TargetName;
  /** Digest of the provider's configuration that minted it. */
  readonly providerDigest: string;
  readonly createdAt: EpochMillis;
  /** The mint call is cancelled by then. */
  readonly mintAbortAt: EpochMillis;
  /** Our bound: at this instant the lease becomes due, whatever the provider's own lifetime. */
  readonly expiresAt: EpochMillis;
  /** When the credential surely stops by itself; before the outcome is known, the latest it could. */
  readonly nativeExpiresAt: EpochMillis;
  readonly nativeExpiry: NativeExpiry;
  /** What revokes it at the provider, without secrets. Pre-known where the provider allows it. */
  readonly handle: JsonObject;
  /** AEAD text of the secret, where revoking or probing needs it. Wiped when dead. */
  readonly sealed: string | null;
  /** SHA-256 of the delivered value, where the handle does not name it already. */
  readonly fingerprint: Fingerprint | null;
  /** A probe said "alive" after mint; without it no verdict may say "verified". */
  readonly provenAlive: boolean;
  readonly state: LeaseState;
}

/** What reaching the native expiry ends: everything, only new logins, or nothing. */
export type NativeExpiry = "full" | "new-logins-only" | "none";

export type LeaseState =
  | { readonly kind: "intended" }
  | { readonly kind: "active"; readonly activatedAt: EpochMillis }
  | Revoking
  | Stuck
  | {
      readonly kind: "revoked";
      readonly deadAt: EpochMillis;
      readonly verdict: DeadVerdict;
      readonly cause: KillCause;
      readonly killOrderedAt: EpochMillis;
    }
  | {
      readonly kind: "expired";
      readonly deadAt: EpochMillis;
      readonly cause: KillCause;
      readonly killOrderedAt: EpochMillis;
    }
  | { readonly kind: "mint_failed"; readonly deadAt: EpochMillis; readonly reason: string };

export interface Dying {
  readonly cause: KillCause;
  /** When the kill was ordered: the start of the measured kill time. */
  readonly killOrderedAt: EpochMillis;
  readonly attempts: number;
  /** When the next attempt is due; while claimed, when the claim lapses. */
  readonly dueAt: EpochMillis;
  readonly lastVerdict: VerdictKind | null;
  /** Of the last retry or refusal; never provider text. */
  readonly lastReason: string | null;
}

export interface Revoking extends Dying {
  readonly kind: "revoking";
  /** The mint's outcome was never learnt: "not found" is final only after the provider's settle time. */
  readonly outcomeUnknown: boolean;
  readonly usableUntil: EpochMillis | null;
}

export interface Stuck extends Dying {
  readonly kind: "stuck";
  readonly outcomeUnknown: boolean;
  readonly fix: string;
}

export type LeaseStateKind = LeaseState["kind"];
export type DeadVerdict = "dead-verified" | "dead-unverified" | "already-gone";

/** Why a lease became due. `expiry` is routine; everything else goes ahead of it. */
export type KillCause =
  | "expiry"
  | "task_ended"
  | "door_closed"
  | "gate_closed"
  | "outcome_unknown"
  | "undelivered"
  | "requested"
  | "replaced"
  | "scope_widened"
  | "restored"
  /** Its kill was found undone. */
  | "undone"
  /** It lives here, and its system does not know it. */
  | "missing";

/** Whether the credential may still be of use to someone: it counts against limits and is in the due index. */
export function isLive(kind: LeaseStateKind): boolean {
  return kind === "intended" || kind === "active" || kind === "revoking" || kind === "stuck";
}
