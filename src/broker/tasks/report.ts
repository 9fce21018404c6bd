/** The state of a task and of every credential that it ever got, a page at a time (promise P4). */
import { isLive } from "../../domain/lease.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { CouldLose, LeaseSummary, TaskView } from "../../ports/ledger-views.ts";
import { lineOf, type LeaseLine } from "../leases/lease-line.ts";
import type { BrokerParts } from "../parts.ts";

export interface TaskReport {
  readonly view: TaskView;
  readonly summary: LeaseSummary;
  readonly leases: readonly LeaseLine[];
  /** The cursor of the next page, null on the last. */
  readonly next: LeaseId | null;
  readonly couldLose: CouldLose | null;
}

export async function reportTask(
  parts: Pick<BrokerParts, "ledger" | "clock" | "couldLose" | "isKillUnseen">,
  taskId: TaskId,
  after: LeaseId | null,
): Promise<TaskReport | undefined> {
  const view = await parts.ledger.readTask(taskId);
  if (view === undefined) return undefined;
  const summary = await parts.ledger.summarize(taskId);
  const leases = await parts.ledger.listLeases({ taskId, after, limit: maxPageSize });
  const now = parts.clock.now();
  const last = leases.at(-1);
  return {
    view,
    summary,
    leases: leases.map((lease) => lineOf(parts, lease, view.gate.kind, now)),
    next: leases.length === maxPageSize && last !== undefined ? last.id : null,
    couldLose: parts.couldLose ?? null,
  };
}

/** Whether anything of the task may still be usable and is not yet known to end by itself only. */
export const isSettled = (summary: LeaseSummary): boolean =>
  Object.entries(summary.byState).every(
    ([state, count]) => count === 0 || !isLive(state as keyof LeaseSummary["byState"]),
  );
