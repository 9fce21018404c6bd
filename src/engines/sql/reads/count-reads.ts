/** Counts over a subtree, and what its kill would hit. */
import type { TaskId } from "../../../kernel/ids.ts";
import type { BlastRadius, LeaseSummary } from "../../../ports/ledger-views.ts";
import { integer, type SqlRow } from "../driver.ts";
import { standingOfKey } from "../rows/standing-rows.ts";
import { countsFromRow, noCounts, tallySums, type StateCounts } from "../rows/tally-rows.ts";
import { findTask } from "../rows/task-rows.ts";
import type { View } from "../tx.ts";
import { withSubtree } from "./subtree.ts";

export function summarize(view: View, taskId: TaskId): LeaseSummary {
  const record = findTask(view, taskId);
  const byState = record === undefined ? noCounts() : countStates(view, record.key);
  const live = byState.intended + byState.active + byState.revoking + byState.stuck;
  const dead = byState.revoked + byState.expired + byState.mint_failed;
  return { live, dead, stuck: byState.stuck, byState };
}

const countStates = (view: View, taskKey: number): StateCounts =>
  countsFromRow(
    view.sql.get(
      `${withSubtree} SELECT ${tallySums} FROM subtree CROSS JOIN task_tally ON task_tally.task_key = subtree.key`,
      taskKey,
    ),
  );

/** Open tasks under it whose gate it would close, and live leases that it would make due, with the tasks that hold them. */
export function radiusOfTask(view: View, id: TaskId): BlastRadius {
  const record = findTask(view, id);
  if (record === undefined) return { tasks: 0, leases: 0, byProvider: {} };
  const leases = view.sql.all(
    `${withSubtree} SELECT lease.standing, count(*) FROM subtree CROSS JOIN lease ON lease.task_key = subtree.key
     WHERE lease.due_at IS NOT NULL GROUP BY lease.standing`,
    record.key,
  );
  const tasks = view.sql.get(
    `${withSubtree} SELECT count(*) FROM subtree CROSS JOIN task ON task.key = subtree.key
     WHERE task.outcome IS NULL OR EXISTS (SELECT 1 FROM lease WHERE task_key = task.key AND due_at IS NOT NULL)`,
    record.key,
  );
  return { tasks: integer(tasks?.[0]), ...sumLeases(view, leases) };
}

function sumLeases(view: View, rows: readonly SqlRow[]): Omit<BlastRadius, "tasks"> {
  const byProvider: Record<string, number> = {};
  let leases = 0;
  for (const [standingKey, count] of rows) {
    const { provider } = standingOfKey(view, integer(standingKey));
    leases += integer(count);
    byProvider[provider] = (byProvider[provider] ?? 0) + integer(count);
  }
  return { leases, byProvider };
}
