/**
 * The ledger: the truth about tasks, doors, leases and audit. Every engine passes test/kit/ledger.
 *
 * - Every verb is atomic alone, carries its audit entry in the same write, and answers `ok | conflict | unknown`.
 *   `unknown` means: may or may not have been applied; the caller acts as DESIGN "port rules" demand.
 * - Repeating a verb with the same ids (task id, lease id, fence) is harmless and gives the first answer where the
 *   first was applied; ids chosen by the caller are the operation ids.
 * - `ok` is said only after the write is durable as the engine states. No transaction object leaves an engine.
 * - Gate, limits and due times are judged by the ledger's own clock, which never goes back.
 * - Lists are keyset-paged. Verbs that walk take a bound and say whether more is left.
 * - Kills and verdicts are accepted even when the disk is full or the clock is suspect; issuing is not.
 */
import type { AuditDraft, AuditEntry, Cause } from "../domain/audit-entry.ts";
import type { Gate, GateReason } from "../domain/gate.ts";
import type { KillCause, Lease } from "../domain/lease.ts";
import type { LimitReservation } from "../domain/limit.ts";
import type { AgentName, IssuerName, ProviderName, TargetName } from "../domain/names.ts";
import type { DoorScope, KillScope } from "../domain/scope.ts";
import type { Task, TaskOutcome } from "../domain/task.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { EpochMillis, Millis, Seconds } from "../kernel/time.ts";

/** `sequence` is the audit sequence number of the change; sequences order all changes of a shard. */
export type Answer<T, C> =
  | { readonly kind: "ok"; readonly value: T; readonly sequence: number }
  | { readonly kind: "conflict"; readonly conflict: C }
  | { readonly kind: "unknown"; readonly reason: string };

export interface Ledger {
  // Tasks
  openTask(command: OpenTask): Promise<Answer<Task, OpenTaskConflict>>;
  heartbeat(command: { taskId: TaskId; cause: Cause }): Promise<Answer<Task, GateClosed | NotFound>>;
  /** Closes the gate of the task and of everything under it, in one row. The first end wins; a repeat answers it. */
  endTask(command: EndTask): Promise<Answer<Task, NotFound>>;

  // Doors and kills
  /** Closes a door and orders the kill of all that stands behind it. Repeating orders the kill anew. */
  closeDoor(command: { scope: DoorScope; reason: string; cause: Cause }): Promise<Answer<Door, never>>;
  openDoor(command: { scope: DoorScope; cause: Cause }): Promise<Answer<void, NotFound>>;
  /**
   * Takes over a policy: remembers its names, audits `policy.loaded`, and closes the door (ordering the kill) of every
   * agent and issuer that the policy before it had and this one has not. Across restarts too.
   */
  loadPolicy(command: LoadPolicy): Promise<Answer<{ closed: readonly DoorScope[] }, never>>;

  // Issuing
  recordIntent(command: RecordIntent): Promise<Answer<IntentRecorded, IntentConflict>>;
  /** Stores handle and sealed secret always; `closed` means the lease is already due in the same write. */
  completeMint(command: CompleteMint): Promise<Answer<MintCompletion, NotIntended>>;
  /** The provider certainly did not mint. */
  failMint(command: { leaseId: LeaseId; reason: string; cause: Cause }): Promise<Answer<void, NotIntended>>;
  /** Makes one lease due, whatever the task. On a dead lease: ok, changes nothing. */
  makeDue(command: MakeDue): Promise<Answer<Lease, NotFound>>;

  // The kill path
  /** Ends at most `limit` tasks whose deadline or heartbeat passed. */
  closeOverdueTasks(limit: number): Promise<Answer<{ closed: number; more: boolean }, never>>;
  /** Walks open kill orders and makes at most `limit` rows due. */
  expandKillOrders(limit: number): Promise<Answer<{ madeDue: number; more: boolean }, never>>;
  /** What is due now, per target, and when the next thing falls due. O(targets). */
  dueWork(): Promise<DueWork>;
  /** Claims due leases, kills before routine expiry, earliest first; each stays claimed for `claim` or until released. */
  claimDue(command: ClaimDue): Promise<Answer<readonly Lease[], never>>;
  /** Records one outcome under the fence of its claim, through the transition function. */
  recordVerdict(command: RecordVerdict): Promise<Answer<Lease, FenceLost | NotFound | Suspended>>;
  /** Gives back what a claim still holds, due at once. For a graceful stop. */
  releaseClaim(command: { fence: string }): Promise<Answer<{ released: number }, never>>;
  /** Persists breaker and pause of a target. Closing the breaker resets the backoff of its leases, in sweeper pages. */
  setTarget(command: SetTarget): Promise<Answer<TargetState, never>>;
  /** Drops tombstones and markers past their time, at most `limit` rows. */
  purge(limit: number): Promise<Answer<{ purged: number; more: boolean }, never>>;

  // Reading
  readTask(taskId: TaskId): Promise<TaskView | undefined>;
  readLease(leaseId: LeaseId): Promise<LeaseView | undefined>;
  findLease(fingerprint: Fingerprint): Promise<LeaseView | undefined>;
  /** The leases of a task and of everything under it, by id. */
  listLeases(query: { taskId: TaskId; after: LeaseId | null; limit: number }): Promise<readonly Lease[]>;
  /** Counts over the task and everything under it. */
  summarize(taskId: TaskId): Promise<LeaseSummary>;
  /** What a kill of this scope would hit. */
  blastRadius(scope: KillScope): Promise<BlastRadius>;
  listStuck(query: { after: LeaseId | null; limit: number }): Promise<readonly Lease[]>;
  listTargets(): Promise<readonly TargetState[]>;
  listDoors(): Promise<readonly Door[]>;
  listAudit(query: { taskId: TaskId | null; after: number; limit: number }): Promise<readonly AuditEntry[]>;
  /** The sealing keys that live leases still need (what a sealed text names before its first dot). */
  sealedKeyIds(): Promise<readonly string[]>;
  /** An entry that belongs to no other verb: refusals, policy loads, start. */
  appendAudit(draft: AuditDraft): Promise<Answer<void, never>>;

  health(): Promise<LedgerHealth>;
  /** Takes the present wall clock as right again after a suspect step. */
  acceptClock(cause: Cause): Promise<Answer<void, never>>;
  /**
   * Asks to be told, after a commit, the earliest instant at which something that it changed falls due (now, for a kill,
   * an end or a sweep to do). Only a hint in this process: `dueWork` is the truth.
   */
  onDue(listener: (dueAt: EpochMillis) => void): void;
  close(): Promise<void>;
}

export interface OpenTask {
  readonly task: Omit<Task, "rootId" | "depth" | "state" | "openedAt" | "deadlineAt" | "heartbeat" | "generation">;
  readonly deadline: Millis;
  readonly heartbeat: { readonly everySeconds: Seconds; readonly from: "agent" | "orchestrator" | "both" } | null;
  readonly cause: Cause;
}
export type OpenTaskConflict =
  | GateClosed
  | Suspended
  | NotFound
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
  readonly replay: ReplayMarker | null;
  readonly idempotency: IdempotencyMark | null;
  /** The old lease becomes due after a grace and is not counted twice. */
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
  readonly issuer: IssuerName;
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
  | { readonly reason: "limit_reached"; readonly limit: string }
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
  readonly cause: Cause;
}

export interface ClaimDue {
  readonly target: TargetName;
  readonly limit: number;
  readonly claim: Millis;
  readonly fence: string;
}

export interface RecordVerdict {
  readonly leaseId: LeaseId;
  readonly fence: string;
  /** `native_expiry` is refused while the clock is suspect. */
  readonly outcome: Verdict | { readonly kind: "native_expiry" };
  readonly jitter: number;
}

export interface SetTarget {
  readonly target: TargetName;
  /** Null leaves it as it is. */
  readonly breaker: Breaker | null;
  readonly paused: boolean | null;
  readonly cause: Cause;
}
export type Breaker =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly until: EpochMillis; readonly reason: string };

export interface TargetState {
  readonly target: TargetName;
  readonly provider: ProviderName;
  readonly breaker: Breaker;
  readonly paused: boolean;
  readonly due: number;
  readonly oldestDueAt: EpochMillis | null;
}

export interface DueWork {
  readonly now: EpochMillis;
  /** Targets with something due now, neither paused nor in an open breaker's pause. Open here: the pause is over, try one. */
  readonly targets: readonly {
    readonly target: TargetName;
    readonly oldestDueAt: EpochMillis;
    readonly breaker: Breaker;
  }[];
  /** Whether overdue tasks or unfinished kill orders wait for a sweep. */
  readonly sweep: boolean;
  /** The next instant at which any of this changes, null when nothing is outstanding. */
  readonly nextAt: EpochMillis | null;
}

export interface TaskView {
  readonly task: Task;
  readonly gate: Gate;
  /** The parent first, up to the root. */
  readonly ancestors: readonly Task[];
}
export interface LeaseView {
  readonly lease: Lease;
  readonly gate: Gate;
  readonly task: Task;
}

export interface LeaseSummary {
  readonly live: number;
  readonly dead: number;
  readonly stuck: number;
  /** Until all kill orders of the subtree have been walked, `active` may include leases about to become due. */
  readonly byState: Readonly<Record<Lease["state"]["kind"], number>>;
}

export interface BlastRadius {
  readonly tasks: number;
  readonly leases: number;
  readonly byProvider: Readonly<Record<string, number>>;
}

export interface Door {
  readonly scope: DoorScope;
  readonly reason: string;
  readonly closedAt: EpochMillis;
  /** Whether its kill order still has rows to walk. */
  readonly expanding: boolean;
}

export interface LedgerHealth {
  readonly now: EpochMillis;
  readonly generation: number;
  /** Null: all verbs are accepted. Otherwise issuing is refused; ends, kills and verdicts are not. */
  readonly suspended: SuspendReason | null;
  readonly counts: { readonly openTasks: number; readonly liveLeases: number; readonly stuckLeases: number };
}

export type SuspendReason = "disk_full" | "clock_suspect" | "restoring" | "stopped";

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
export interface NotIntended {
  readonly reason: "not_intended";
}
export interface FenceLost {
  readonly reason: "fence_lost";
}
