/**
 * The ledger: the truth about tasks, doors, leases and audit. Every engine passes test/kit/ledger.
 *
 * - Every verb is atomic alone, carries its audit entry in the same write, and answers `ok | conflict | unknown`.
 *   `unknown` means: may or may not have been applied; the caller acts as DESIGN "port rules" demand.
 * - Repeating a verb with the same ids (task id, lease id, fence) is harmless and gives the first answer where the
 *   first was applied; ids chosen by the caller are the operation ids.
 * - `ok` is said only after the write is durable as the engine states. No transaction object leaves an engine.
 * - Gate, limits and due times are judged by the ledger's own clock, which never goes back.
 * - Readings reject with `StoreAwayError` where the store did not answer; it says nothing of what is there.
 * - Lists are keyset-paged. Verbs that walk take a bound and say whether more is left.
 * - Kills and verdicts are accepted even when the disk is full or the clock is suspect; issuing is not.
 */
import type { AuditCursor } from "../domain/audit-cursor.ts";
import type { AuditDraft, Cause } from "../domain/audit-entry.ts";
import type { Lease } from "../domain/lease.ts";
import type { TargetName } from "../domain/names.ts";
import type { DoorScope, KillScope } from "../domain/scope.ts";
import type { Task } from "../domain/task.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import type { LeaseId, TaskId } from "../kernel/ids.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type {
  OpenTask,
  OpenTaskConflict,
  EndTask,
  LoadPolicy,
  RecordIntent,
  IntentRecorded,
  IntentConflict,
  CompleteMint,
  MintCompletion,
  MakeDue,
  ReopenLease,
  NoteProvider,
  TakeLock,
  Lock,
  ClaimDue,
  RecordVerdict,
  SetTarget,
  ListAudit,
  GateClosed,
  Suspended,
  NotFound,
  NotIntended,
  NotRevoked,
  LockHeld,
  FenceLost,
} from "./ledger-commands.ts";
import type {
  ActivePage,
  AuditPage,
  ProviderNotes,
  TargetState,
  DueWork,
  TaskView,
  LeaseView,
  LeaseSummary,
  BlastRadius,
  Door,
  LedgerHealth,
} from "./ledger-views.ts";

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
  /** The provider certainly did not mint: also ends a lease whose kill was ordered before that was known. */
  failMint(command: { leaseId: LeaseId; reason: string; cause: Cause }): Promise<Answer<void, NotIntended>>;
  /** Makes one lease due, whatever the task. On a dead lease: ok, changes nothing. */
  makeDue(command: MakeDue): Promise<Answer<Lease, NotFound>>;
  /**
   * Takes a death back that was found undone: due again at once, ahead of routine expiry. It counts against no limit
   * again and its sealed secret is gone, so only for what is revoked without one. On a dying lease: ok, changes nothing.
   */
  reopenLease(command: ReopenLease): Promise<Answer<Lease, NotFound | NotRevoked>>;

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
  /**
   * Keeps writers of many nodes apart. Nobody's truth: it lapses under a holder that is slow, and a failover may lose it, so
   * what it guards must also be safe without it.
   */
  takeLock(command: TakeLock): Promise<Answer<Lock, LockHeld>>;
  /** Of another holder's lock: ok, changes nothing. */
  releaseLock(command: Pick<TakeLock, "name" | "holder">): Promise<Answer<void, never>>;
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
  /**
   * What a deny list of the target must hold, by id: leases recorded with a `capacity` that are dying, or revoked while
   * their native expiry and its grace are ahead.
   */
  listDenied(query: { target: TargetName; after: LeaseId | null; limit: number }): Promise<readonly Lease[]>;
  /**
   * Active leases of a target, in an order of its own, and where to go on. What moves meanwhile may be met twice or not at
   * all; what stays as it is is met.
   */
  listActive(query: { target: TargetName; after: string | null; limit: number }): Promise<ActivePage>;
  /** Those with something live or denied, and those whose breaker or pause was ever set. */
  listTargets(): Promise<readonly TargetState[]>;
  listDoors(): Promise<readonly Door[]>;
  /**
   * In the order of each shard's sequence; of several shards by time, as far as they are written when it is read. With
   * `newest` the last `limit` of them, in that order too.
   */
  listAudit(query: ListAudit): Promise<AuditPage>;
  /** The end of the audit now: reading on from here tells all that happens later. */
  auditHead(): Promise<AuditCursor>;
  /** The sealing keys that live leases still need (what a sealed text names before its first dot). */
  sealedKeyIds(): Promise<readonly string[]>;
  /** An entry that belongs to no other verb: refusals, policy loads, start. */
  appendAudit(draft: AuditDraft): Promise<Answer<void, never>>;

  /** Remembers for all nodes what was seen of a provider; not audited, the last word counts. */
  noteProvider(command: NoteProvider): Promise<Answer<void, never>>;
  listProviderNotes(): Promise<readonly ProviderNotes[]>;
  /** Ten random characters of this ledger, the same for all its nodes and after a restore: a-z and 0-9. */
  mark(): Promise<string>;
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
