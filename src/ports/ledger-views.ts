/** What the ledger shows of tasks, leases, targets, doors and itself. */
import type { AuditCursor } from "../domain/audit-cursor.ts";
import type { AuditEntry } from "../domain/audit-entry.ts";
import type { Gate } from "../domain/gate.ts";
import type { Lease } from "../domain/lease.ts";
import type { ProviderName, TargetName } from "../domain/names.ts";
import type { DoorScope } from "../domain/scope.ts";
import type { Task } from "../domain/task.ts";
import type { EpochMillis } from "../kernel/time.ts";
import type { Breaker } from "../domain/target-state.ts";

export type { TargetState } from "../domain/target-state.ts";

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

export interface ActivePage {
  readonly leases: readonly Lease[];
  /** Null at the end. */
  readonly next: string | null;
}

/** What was seen of a provider, by any node. */
export interface ProviderNotes {
  readonly provider: ProviderName;
  readonly kill: { readonly digest: string; readonly at: EpochMillis } | null;
  readonly reconciled: { readonly generation: number; readonly at: EpochMillis } | null;
}

export interface AuditPage {
  /** None: there is nothing new yet. */
  readonly entries: readonly AuditEntry[];
  /** Where to go on, also at the end. */
  readonly next: AuditCursor;
}

export interface LedgerHealth {
  readonly now: EpochMillis;
  readonly generation: number;
  /** Null: all verbs are accepted. Otherwise issuing is refused; ends, kills and verdicts are not. */
  readonly suspended: SuspendReason | null;
  readonly counts: {
    readonly openTasks: number;
    readonly liveLeases: number;
    readonly stuckLeases: number;
    /** Found damaged and passed over: a person must see to them. Left out: none. */
    readonly unreadableRows?: number;
  };
}

/** What a store may lose of what it answered, if the server that keeps it dies. */
export interface CouldLose {
  /** Of the newest; null for everything. */
  readonly seconds: number | null;
  /** For operators. */
  readonly because: string;
}

export type SuspendReason = "disk_full" | "clock_suspect" | "restoring" | "stopped";
