/**
 * What stands behind a door: open tasks whose gate it closes, and live leases with the tasks that hold them. Counted a
 * page at a time, so that commits and kills go on in between; what moves meanwhile is met again, but counted once.
 */
import { scopeKey, type DoorScope } from "../../../domain/scope.ts";
import type { BlastRadius } from "../../../ports/ledger-views.ts";
import { integer, type SqlRow } from "../driver.ts";
import { standingOfKey, standingsBehind } from "../rows/standing-rows.ts";
import type { View } from "../tx.ts";
import { afterDuePage, beginDueWalk, type DuePosition } from "../walks/due-cursor.ts";

export interface DoorCount {
  /** Counts one page; false when it was the last. */
  next(view: View): boolean;
  result(): BlastRadius;
}

/** A few milliseconds: what a kill may have to wait for. */
const defaultPageRows = 4_000;

export function createDoorCount(scope: DoorScope, pageRows = defaultPageRows): DoorCount {
  const tasks = new Set<number>();
  const leases = new Set<number>();
  const byProvider: Record<string, number> = {};
  let closing: readonly [closesAt: number, key: number] | "done" = closesTasks(scope) ? [-1, -1] : "done";
  let due: DuePosition | "begin" | "done" = "begin";

  function countTasks(view: View, [closesAt, key]: readonly [number, number]): number {
    const [where, ...names] = standsBehind(scope);
    const rows = view.sql.all(
      `SELECT closes_at, key, ${where} FROM task INDEXED BY task_by_close WHERE closes_at IS NOT NULL
        AND (closes_at, key) > (?, ?) ORDER BY closes_at, key LIMIT ?`,
      ...names,
      closesAt,
      key,
      pageRows,
    );
    for (const [, taskKey, hit] of rows) if (hit === 1) tasks.add(integer(taskKey));
    const last = rows.at(-1);
    closing = last === undefined || rows.length < pageRows ? "done" : [integer(last[0]), integer(last[1])];
    return rows.length;
  }

  function countLeases(view: View, position: DuePosition): number {
    const behind = standingsBehind(view, scopeKey(scope));
    const rows = view.sql.all(
      `SELECT due_at, key, standing, task_key FROM lease INDEXED BY lease_by_due WHERE target = ? AND rank = ?
        AND due_at IS NOT NULL AND (due_at, key) > (?, ?) ORDER BY due_at, key LIMIT ?`,
      ...position,
      pageRows,
    );
    for (const row of rows) if (behind.has(integer(row[2]))) count(view, row);
    due = afterDuePage(view, position, rows.length < pageRows ? undefined : rows.at(-1));
    return rows.length;
  }

  function count(view: View, [, key, standing, taskKey]: SqlRow): void {
    const leaseKey = integer(key);
    if (leases.has(leaseKey)) return;
    const { provider } = standingOfKey(view, integer(standing));
    leases.add(leaseKey);
    tasks.add(integer(taskKey));
    byProvider[provider] = (byProvider[provider] ?? 0) + 1;
  }

  return {
    next(view) {
      if (due === "begin") due = beginDueWalk(view);
      for (let rows = 0; rows < pageRows;) {
        if (closing !== "done") rows += countTasks(view, closing);
        else if (due !== "done") rows += countLeases(view, due);
        else return false;
      }
      return closing !== "done" || due !== "done";
    },
    result: () => ({ tasks: tasks.size, leases: leases.size, byProvider }),
  };
}

const closesTasks = ({ kind }: DoorScope): boolean => kind === "all" || kind === "agent" || kind === "issuer";

/** As a column that is 1 for a task whose gate the door closes. */
function standsBehind(scope: DoorScope): readonly [sql: string, ...names: string[]] {
  if (scope.kind === "agent") return ["agent = ?", scope.name];
  return scope.kind === "issuer" ? ["issuer = ?", scope.name] : ["1"];
}
