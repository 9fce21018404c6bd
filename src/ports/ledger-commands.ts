/** What the ledger's verbs are told, and the conflicts that they answer. */
import type { AuditCursor } from "../domain/audit-cursor.ts";
import type { Cause } from "../domain/audit-entry.ts";
import type { GateReason } from "../domain/gate.ts";
import type { KillCause, Lease } from "../domain/lease.ts";
import type { LimitReservation } from "../domain/limit.ts";
import type { AgentName, IssuerName, ProviderName, TargetName } from "../domain/names.ts";
import type { Breaker } from "../domain/target-state.ts";
import type { Task, TaskOutcome } from "../domain/task.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { EpochMillis, Millis, Seconds } from "../kernel/time.ts";
import type { SuspendReason } from "./ledger-views.ts";

export interface OpenTask {
  readonly task: Omit<Task, "rootId" | "depth" | "state" | "openedAt" | "deadlineAt" | "heartbeat" | "generation">;
  /** From the commit; cut to the parent's deadline. */
  readonly deadline: Millis;
  readonly heartbeat: { readonly everySeconds: Seconds; readonly from: "agent" | "orchestrator" | "both" } | null;
  /** Open tasks, reserved in the same write and given back when the end is written; a full one refuses with its name. */
  readonly limits: readonly LimitReservation[];
  readonly cause: Cause;
}
export type OpenTaskConflict =
  | GateClosed
  | Suspended
  | NotFound
  | LimitReached
  | { readonly reason: "too_deep" }
  | { readonly reason: "id_taken" };

export interface EndTask {
  readonly taskId: TaskId;
  readonly outcome: TaskOutcome;
  readonly reason: string | null;
  readonly cause: Cause;
}

export interface LoadPolicy {
  readonly digest: string;
  readonly agents: readonly AgentName[];
  readonly issuers: readonly IssuerName[];
  readonly cause: Cause;
}

export interface RecordIntent {
  readonly lease: Pick<
    Lease,
    | "id"
    | "taskId"
    | "agent"
    | "issuer"
    | "template"
    | "provider"
    | "target"
    | "providerDigest"
    | "handle"
    | "nativeExpiry"
  >;
  /** How long the mint call may take; `mintAbortAt` follows from the ledger's clock. */
  readonly mintTimeout: Millis;
  /** Our bound and the worst native expiry, as spans from the commit. */
  readonly ttl: Millis;
  readonly worstCaseTtl: Millis;
  /** Opens the task of a `task_id`-less exchange in the same write. */
  readonly automaticTask: OpenTask | null;
  /** Reserved in the same write; a full one refuses with its name. */
  readonly limits: readonly LimitReservation[];
  /**
   * How many leases of its target may live or stay denied at a time, where each takes room at the provider until it has
   * surely ended by itself; no more room refuses as the limit `capacity`. Null where a kill needs no room.
   */
  readonly capacity: number | null;
  readonly replay: ReplayMarker | null;
  readonly idempotency: IdempotencyMark | null;
  /**
   * The old lease becomes due after a grace and is not counted twice. While what it replaced itself is not dead it keeps
   * its place, and the new one needs its own: a chain of replacements never holds more than twice what limits allow.
   */
  readonly replaces: LeaseId | null;
  /** False where the template opts out of "never mint what cannot be killed". */
  readonly demandKillPath: boolean;
  readonly cause: Cause;
}
export interface IntentRecorded {
  readonly lease: Lease;
  readonly task: Task;
}

export interface ReplayMarker {
  /** The token's `iss`: a policy may give the same issuer another name, and the token stays spent. */
  readonly issuerUrl: string;
  readonly tokenId: string;
  /** The same request (digest and key) may be repeated until the token's `exp`; anything else is a replay. */
  readonly requestDigest: Fingerprint;
  readonly expiresAt: EpochMillis;
}

export interface IdempotencyMark {
  /** Digest of agent, task (or none) and the caller's key. */
  readonly key: Fingerprint;
  readonly requestDigest: Fingerprint;
}

export type IntentConflict =
  | GateClosed
  | Suspended
  | NotFound
  | LimitReached
  | { readonly reason: "replayed" }
  | { readonly reason: "key_reused" }
  | { readonly reason: "in_flight"; readonly leaseId: LeaseId }
  /** The value is gone; that lease became due in the same write. */
  | { readonly reason: "already_delivered"; readonly leaseId: LeaseId }
  | { readonly reason: "kill_path_broken"; readonly target: TargetName }
  | { readonly reason: "id_taken" };

export interface CompleteMint {
  readonly leaseId: LeaseId;
  readonly handle: JsonObject;
  readonly sealed: string | null;
  readonly fingerprint: Fingerprint | null;
  readonly provenAlive: boolean;
  /** Never later than the intent's own bound; the engine takes the earlier. */
  readonly expiresAt: EpochMillis;
  /** While the clock is suspect the later of this and the intent's own counts. */
  readonly nativeExpiresAt: EpochMillis;
  /** Minted, but must not be delivered (wider scope than asked, client gone): due in the same write. */
  readonly rejectAs: KillCause | null;
  readonly cause: Cause;
}
export type MintCompletion = { readonly outcome: "activated" | "closed"; readonly lease: Lease };

export interface MakeDue {
  readonly leaseId: LeaseId;
  readonly killCause: KillCause;
  readonly delay: Millis;
  /** Also where it was tried before and waits for its next attempt, stuck or not; a claim under way is left alone. */
  readonly endsBackoff?: boolean;
  readonly cause: Cause;
}

export interface ReopenLease {
  readonly leaseId: LeaseId;
  /** The broker's own short word. */
  readonly reason: string;
  readonly cause: Cause;
}

export interface NoteProvider {
  readonly provider: ProviderName;
  readonly seen:
    /** A credential that had worked was seen dead after its kill, by the provider of this digest. */
    | { readonly kind: "kill"; readonly digest: string }
    /** What lives there was compared with the ledger as it is since its last restore. */
    | { readonly kind: "reconciled" };
}

export interface TakeLock {
  readonly name: string;
  /** One text a taker, never the same for two at a time. */
  readonly holder: string;
  /** From the commit; a repeat by the holder begins anew. */
  readonly hold: Millis;
}
export interface Lock {
  /** Grows each time that the lock changes hands. */
  readonly number: number;
  readonly heldUntil: EpochMillis;
}

export interface ClaimDue {
  readonly target: TargetName;
  readonly limit: number;
  readonly claim: Millis;
  /** `CLAIMER-NUMBER`: who claims, a process by a name of its own, and which of its claims this is. */
  readonly fence: string;
}

export interface RecordVerdict {
  readonly leaseId: LeaseId;
  readonly fence: string;
  /** `native_expiry` is refused while the clock is suspect, and while the wall has not reached it. */
  readonly outcome: Verdict | { readonly kind: "native_expiry" };
  readonly jitter: number;
}

export interface ListAudit {
  readonly taskId: TaskId | null;
  readonly after: AuditCursor | null;
  readonly limit: number;
  readonly newest?: boolean;
}

export interface SetTarget {
  readonly target: TargetName;
  /** Null leaves it as it is. */
  readonly breaker: Breaker | null;
  readonly paused: boolean | null;
  /** Resets the backoff of its leases also where the breaker was closed already. */
  readonly resetBackoff?: boolean;
  readonly cause: Cause;
}
export type { Breaker } from "../domain/target-state.ts";

export interface GateClosed {
  readonly reason: "gate_closed";
  readonly gate: GateReason;
}
export interface Suspended {
  readonly reason: "suspended";
  readonly why: SuspendReason;
}
export interface NotFound {
  readonly reason: "not_found";
}
export interface LimitReached {
  readonly reason: "limit_reached";
  readonly limit: string;
}
export interface NotRevoked {
  readonly reason: "not_revoked";
}
export interface LockHeld {
  readonly reason: "held";
  readonly heldUntil: EpochMillis;
}
export interface NotIntended {
  readonly reason: "not_intended";
}
export interface FenceLost {
  readonly reason: "fence_lost";
}
