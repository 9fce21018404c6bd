/**
 * Everything the model knows, as plain data: `structuredClone` of it is a restart. Rows are replaced, never changed,
 * so that a value handed out by a verb stays what it was.
 */
import type { AuditEntry } from "../../domain/audit-entry.ts";
import type { Downtime } from "../../domain/gate.ts";
import type { Lease } from "../../domain/lease.ts";
import type { AgentName, IssuerName, ProviderName, TargetName } from "../../domain/names.ts";
import type { DoorScope, KillScope } from "../../domain/scope.ts";
import type { Task } from "../../domain/task.ts";
import type { Fingerprint } from "../../kernel/digest.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Breaker } from "../../ports/ledger-commands.ts";
import type { ProviderNotes } from "../../ports/ledger-views.ts";

export interface TaskRow {
  readonly task: Task;
  /** Limits on open tasks that it counts against; empty once its end is written. */
  readonly counters: readonly string[];
  readonly openedSequence: number;
  readonly endedSequence: number | null;
  /** When its tombstone may go, counted from when its end was written: a lapse that is found late stays readable. */
  readonly purgeAt: EpochMillis | null;
}

export interface LeaseRow {
  readonly lease: Lease;
  readonly intendedSequence: number;
  /** Of the mint's completion or failure. */
  readonly settledSequence: number | null;
  /** Live limits that it counts against; empty once dead, or taken over by what replaces it. */
  readonly counters: readonly string[];
  /** It takes room at its target until it has surely ended, and stays listed there while it must be denied. */
  readonly isDeniable: boolean;
  /** Held until the state's `dueAt`. */
  readonly claim: { readonly fence: string } | null;
  /** The last verdict, so that its repeat changes nothing. */
  readonly judged: { readonly fence: string; readonly sequence: number } | null;
}

export interface DoorRow {
  readonly scope: DoorScope;
  readonly reason: string;
  readonly closedAt: EpochMillis;
}

/** Covers what was recorded before its own sequence; walked by lease id. */
export interface KillOrder {
  readonly scope: KillScope;
  readonly orderedAt: EpochMillis;
  readonly sequence: number;
  readonly walkedTo: LeaseId | null;
}

export interface TargetRow {
  readonly breaker: Breaker;
  readonly paused: boolean;
  /** The breaker closed: its retrying leases wait for the sweeper to reset them. */
  readonly resetting: boolean;
}

export interface ReplayRow {
  readonly requestDigest: Fingerprint;
  readonly expiresAt: EpochMillis;
}

export interface LockRow {
  readonly holder: string;
  readonly number: number;
  readonly heldUntil: EpochMillis;
}

export interface IdempotencyRow {
  readonly requestDigest: Fingerprint;
  readonly leaseId: LeaseId;
}

/** An entry without its hash; hashes are computed when asked for, because WebCrypto cannot be called inside a verb. */
export interface AuditRow {
  readonly entry: Omit<AuditEntry, "hash">;
  readonly body: string;
}

export interface MemoryState {
  readonly tasks: Map<TaskId, TaskRow>;
  readonly leases: Map<LeaseId, LeaseRow>;
  /** By `scopeKey`. */
  readonly doors: Map<string, DoorRow>;
  readonly killOrders: KillOrder[];
  readonly targets: Map<TargetName, TargetRow>;
  /** By issuer URL and token id. */
  readonly replays: Map<string, ReplayRow>;
  readonly idempotency: Map<Fingerprint, IdempotencyRow>;
  readonly locks: Map<string, LockRow>;
  readonly providers: Map<ProviderName, ProviderNotes>;
  /** Names of the last policy that was loaded. */
  policy: { readonly agents: readonly AgentName[]; readonly issuers: readonly IssuerName[] };
  /** Mints by counter and window. */
  readonly rates: Map<string, { readonly count: number; readonly endsAt: EpochMillis }>;
  readonly audit: AuditRow[];
  readonly generation: number;
  /** The last committed change; the ledger's clock never goes behind it. Null before the first. */
  lastChangeAt: EpochMillis | null;
  /** The last stretch in which no broker was running. */
  downtime: Downtime | null;
}

export const emptyState = (): MemoryState => ({
  tasks: new Map(),
  leases: new Map(),
  doors: new Map(),
  killOrders: [],
  targets: new Map(),
  replays: new Map(),
  idempotency: new Map(),
  locks: new Map(),
  providers: new Map(),
  policy: { agents: [], issuers: [] },
  rates: new Map(),
  audit: [],
  generation: 1,
  lastChangeAt: null,
  downtime: null,
});
