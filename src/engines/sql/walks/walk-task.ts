/**
 * Walks the end of one task: its open children end, each with an order of its own, then its own leases and intents
 * become due at the instant of the end. Position: [0 children | 1 leases, last key].
 */
import { moveToDue } from "../lease-moves.ts";
import type { KillOrder } from "../rows/kill-order-rows.ts";
import { selectLeases } from "../rows/lease-rows.ts";
import { selectTasks } from "../rows/task-rows.ts";
import { endAndOrderKill, orderKill } from "../task-ends.ts";
import { brokerCause, type Tx } from "../tx.ts";
import type { Budget, Walk } from "../verbs/expand-kill-orders.ts";

export function walkTask(tx: Tx, order: KillOrder, budget: Budget): Walk {
  const { subjectKey } = order;
  const [phase = 0, last = 0] = order.position;
  if (phase === 0) {
    const walk = walkChildren(tx, order, { subjectKey, last }, budget);
    return walk === "done" ? [1, 0] : walk;
  }
  return walkLeases(tx, order, { subjectKey, last }, budget);
}

interface Stand {
  readonly subjectKey: number;
  readonly last: number;
}

function walkChildren(tx: Tx, order: KillOrder, stand: Stand, budget: Budget): Walk {
  const page = Math.min(budget.rows, budget.scans);
  const where = "parent_key = ? AND key > ? ORDER BY key LIMIT ?";
  const children = selectTasks(tx, where, stand.subjectKey, stand.last, page);
  budget.scans -= children.length;
  for (const child of children) {
    const { state } = child.task;
    if (state.kind === "open") {
      const end = { outcome: "parent_ended", reason: null, endedAt: order.orderedAt, cause: brokerCause } as const;
      endAndOrderKill(tx, child, end);
    } else if (state.endedAt > order.orderedAt) {
      // It lapsed by itself after its parent had closed its gate: what it held is measured from that earlier instant.
      orderKill(tx, child, order);
    } else continue;
    budget.rows -= 1;
  }
  return children.length < page ? "done" : [0, children.at(-1)?.key ?? stand.last];
}

function walkLeases(tx: Tx, order: KillOrder, stand: Stand, budget: Budget): Walk {
  const page = Math.min(budget.rows, budget.scans);
  const { subjectKey, last } = stand;
  const where = "lease.task_key = ? AND lease.key > ? ORDER BY lease.key LIMIT ?";
  const records = selectLeases(tx, where, subjectKey, last, page);
  budget.scans -= records.length;
  const { orderedAt } = order;
  const due = { killCause: "task_ended", orderedAt, dueAt: orderedAt } as const;
  for (const record of records) {
    const fell = moveToDue(tx, record, due);
    if (fell === null) continue;
    budget.rows -= 1;
    budget.fallen.push(fell);
  }
  return records.length < page ? "done" : [1, records.at(-1)?.key ?? last];
}
