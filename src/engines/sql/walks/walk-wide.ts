/**
 * Walks what no single task owns: the leases behind a door, everything after a restore, and the backoff of a target
 * whose breaker closed.
 */
import { earliest } from "../../../kernel/time.ts";
import { isClaimed, moveToDue } from "../lease-moves.ts";
import type { KillOrder } from "../rows/kill-order-rows.ts";
import { storeLease, type LeaseRecord } from "../rows/lease-rows.ts";
import { standingsBehind } from "../rows/standing-rows.ts";
import { selectTasks } from "../rows/task-rows.ts";
import { writeEnd } from "../task-ends.ts";
import { brokerCause, type Tx } from "../tx.ts";
import type { Budget, Walk } from "../verbs/expand-kill-orders.ts";
import { readDuePage } from "./due-cursor.ts";

export function walkWide(tx: Tx, order: KillOrder, budget: Budget): Walk {
  const standings = order.scope === "all" ? null : standingsBehind(tx, order.scope);
  return walkDue(tx, { from: order.position, targetKey: null, standings }, budget, (record) =>
    makeDueBy(tx, order, record, budget),
  );
}

/** Position: nothing while the tasks end, then [1, ...] of the due index. */
export function walkRestored(tx: Tx, order: KillOrder, budget: Budget): Walk {
  const [phase = 0, ...rest] = order.position;
  if (phase === 0) return walkOpenTasks(tx, order, budget);
  const walk = walkDue(tx, { from: rest, targetKey: null, standings: null }, budget, (record) =>
    makeDueBy(tx, order, record, budget),
  );
  return walk === "done" ? walk : [1, ...walk];
}

/** No task opens while a restore is under way, so every open one is of an older generation; an ended one leaves the index. */
function walkOpenTasks(tx: Tx, order: KillOrder, budget: Budget): Walk {
  const page = Math.min(budget.rows, budget.scans);
  const tasks = selectTasks(tx, "closes_at IS NOT NULL ORDER BY closes_at LIMIT ?", page);
  budget.rows -= tasks.length;
  budget.scans -= tasks.length;
  for (const record of tasks)
    writeEnd(tx, record, { outcome: "killed", reason: "restored", endedAt: order.orderedAt, cause: brokerCause });
  return tasks.length < page ? [1] : [];
}

/** A closed breaker means that the target answers again: what waits after failed attempts is tried at once. */
export function walkBackoff(tx: Tx, order: KillOrder, budget: Budget): Walk {
  const { subjectKey: targetKey, position } = order;
  return walkDue(tx, { from: position, targetKey, standings: null }, budget, (record) => {
    const { lease } = record;
    const { state } = lease;
    if (state.kind !== "revoking" || state.lastVerdict !== "retry" || isClaimed(record, tx.now)) return false;
    if (state.attempts === 0 && state.dueAt <= tx.now) return false;
    const fresh = { ...state, attempts: 0, dueAt: earliest(tx.now, state.dueAt) };
    storeLease(tx, record, { lease: { ...lease, state: fresh } });
    tx.touch();
    return true;
  });
}

interface Stand {
  readonly from: readonly number[];
  readonly targetKey: number | null;
  readonly standings: ReadonlySet<number> | null;
}

/** `change` answers whether it changed the row. A page never holds more rows than may still be changed. */
function walkDue(tx: Tx, stand: Stand, budget: Budget, change: (record: LeaseRecord) => boolean): Walk {
  const { from, targetKey, standings } = stand;
  const page = readDuePage(tx, { from, limit: Math.min(budget.rows, budget.scans), targetKey, standings });
  budget.scans -= page.scanned;
  for (const record of page.records) if (change(record)) budget.rows -= 1;
  return page.position;
}

/** The order covers what was recorded before it: a lease issued after a door reopened is safe from it. */
function makeDueBy(tx: Tx, order: KillOrder, record: LeaseRecord, budget: Budget): boolean {
  if (record.intentSequence > order.sequence) return false;
  const { orderedAt, cause: killCause } = order;
  const fell = moveToDue(tx, record, { killCause, orderedAt, dueAt: orderedAt });
  if (fell === null) return false;
  budget.fallen.push(fell);
  return true;
}
