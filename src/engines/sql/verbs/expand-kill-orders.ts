/**
 * Walks kill orders in pages. A page changes at most `limit` rows and looks at a few times as many, however much
 * stands behind an order; ends of tasks go ahead of doors, so that one end never waits for the many leases of a kill.
 */
import { maxSweepRows } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { auditDueTogether, type FellDue } from "../lease-moves.ts";
import {
  firstOrder,
  hasOrders,
  removeOrder,
  storePosition,
  type KillOrder,
  type Position,
} from "../rows/kill-order-rows.ts";
import { taskOfKey } from "../rows/task-rows.ts";
import { answer, brokerCause, type Tx } from "../tx.ts";
import { walkTask } from "../walks/walk-task.ts";
import { walkBackoff, walkRestored, walkWide } from "../walks/walk-wide.ts";

/** What a page may still do. `scans` bounds the rows that are only looked at. */
export interface Budget {
  rows: number;
  scans: number;
  /** What the present order made due; its audit is written when the order's part of the page is done. */
  fallen: FellDue[];
}

/** Looking at a row costs a small part of changing one. */
const scansPerRow = 4;

/** Where the walk stands after this page, or that it is over. */
export type Walk = Position | "done";

export function expandKillOrders(tx: Tx, limit: number): Answer<{ madeDue: number; more: boolean }, never> {
  const rows = Math.min(limit, maxSweepRows);
  const budget: Budget = { rows, scans: rows * scansPerRow, fallen: [] };
  let madeDue = 0;
  while (budget.rows > 0 && budget.scans > 0) {
    const order = firstOrder(tx);
    if (order === undefined) break;
    budget.fallen = [];
    const walk = walkOrder(tx, order, budget);
    auditDueTogether(tx, budget.fallen);
    madeDue += budget.fallen.length;
    if (walk === "done") finish(tx, order);
    else storePosition(tx, order, walk);
  }
  const more = hasOrders(tx);
  if (more) tx.due(tx.now);
  return answer({ madeDue, more }, tx.sequence());
}

function walkOrder(tx: Tx, order: KillOrder, budget: Budget): Walk {
  // Even an order that finds nothing costs, or a page could finish any number of them.
  budget.scans -= 1;
  if (order.rank === 0) return walkTask(tx, order, budget);
  if (order.rank === 2) return walkBackoff(tx, order, budget);
  return order.cause === "restored" ? walkRestored(tx, order, budget) : walkWide(tx, order, budget);
}

function finish(tx: Tx, order: KillOrder): void {
  removeOrder(tx, order);
  if (order.rank === 2) return;
  const data = { ordered_at: order.orderedAt, scope: order.scope };
  const taskId = order.rank === 0 ? (taskOfKey(tx, order.subjectKey)?.task.id ?? null) : null;
  tx.audit({ type: "kill.expanded", taskId, leaseId: null, cause: brokerCause, data });
  if (order.cause === "restored") tx.setStore({ ...tx.store, restoring: false });
}
