/** Counts over a subtree, and what a kill would hit. */
import type { DoorScope, KillScope } from "../../../domain/scope.ts";
import { scopeKey } from "../../../domain/scope.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import type { BlastRadius, LeaseSummary } from "../../../ports/ledger-views.ts";
import { integer, type SqlRow } from "../driver.ts";
import { standingOfKey, standingsBehind } from "../rows/standing-rows.ts";
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

/** Open tasks whose gate it would close, and live leases that it would make due, with the tasks that hold them. */
export function blastRadius(view: View, scope: KillScope): BlastRadius {
  return scope.kind === "task" ? radiusOfTask(view, scope.id) : radiusOfDoor(view, scope);
}

function radiusOfTask(view: View, id: TaskId): BlastRadius {
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
  return { tasks: integer(tasks?.[0]), ...sumLeases(view, leases, null) };
}

/** Walks all live leases once: an operator's question, not a part of any request's path. */
function radiusOfDoor(view: View, scope: DoorScope): BlastRadius {
  const key = scopeKey(scope);
  const behind = standingsBehind(view, key);
  const leases = view.sql.all("SELECT standing, count(*) FROM lease WHERE due_at IS NOT NULL GROUP BY standing");
  const holders = `SELECT DISTINCT task_key FROM lease WHERE due_at IS NOT NULL AND standing IN (SELECT value FROM json_each(?))`;
  const named = scope.kind === "agent" ? "agent" : "issuer";
  const stands = scope.kind === "all" ? "1" : scope.kind === "agent" || scope.kind === "issuer" ? `${named} = ?` : "0";
  const names = stands.endsWith("?") && "name" in scope ? [scope.name] : [];
  const open = `SELECT key FROM task WHERE closes_at IS NOT NULL AND ${stands}`;
  const tasks = view.sql.get(`SELECT count(*) FROM (${open} UNION ${holders})`, ...names, JSON.stringify([...behind]));
  return { tasks: integer(tasks?.[0]), ...sumLeases(view, leases, behind) };
}

function sumLeases(view: View, rows: readonly SqlRow[], only: ReadonlySet<number> | null): Omit<BlastRadius, "tasks"> {
  const byProvider: Record<string, number> = {};
  let leases = 0;
  for (const [standingKey, count] of rows) {
    const { key, provider } = standingOfKey(view, integer(standingKey));
    if (only !== null && !only.has(key)) continue;
    leases += integer(count);
    byProvider[provider] = (byProvider[provider] ?? 0) + integer(count);
  }
  return { leases, byProvider };
}
