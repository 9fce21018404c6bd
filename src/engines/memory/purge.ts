/** Drops what nobody can ask for any more. Never a live lease, and never a task that still has a lease or a child. */
import type { Lease } from "../../domain/lease.ts";
import { idempotencyMillis, maxSweepRows, tombstoneMillis } from "../../kernel/limits.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import { lastSequence, ok, touch, type Model } from "./model.ts";
import { scopeKey } from "../../domain/scope.ts";
import type { TaskRow } from "./state.ts";

export function purge(model: Model, limit: number): Answer<{ purged: number; more: boolean }, never> {
  const now = model.time.now();
  const bound = Math.min(limit, maxSweepRows);
  let purged = 0;
  for (let row = nextRow(model, now); row !== null && purged < bound; row = nextRow(model, now)) {
    row.drop();
    purged += 1;
  }
  if (purged > 0) touch(model, now);
  return ok({ purged, more: nextRow(model, now) !== null }, lastSequence(model));
}

interface Droppable {
  drop(): void;
}

function nextRow(model: Model, now: EpochMillis): Droppable | null {
  const { leases, tasks, replays, idempotency, rates } = model.state;
  for (const [key, row] of replays) if (now >= row.expiresAt) return dropFrom(replays, key);
  for (const [key, row] of rates) if (now >= row.endsAt) return dropFrom(rates, key);
  for (const [key, row] of idempotency) {
    const lease = leases.get(row.leaseId)?.lease;
    if (lease === undefined || isDeadFor(lease, idempotencyMillis, now)) return dropFrom(idempotency, key);
  }
  for (const [id, row] of leases) if (isDeadFor(row.lease, tombstoneMillis, now)) return dropFrom(leases, id);
  for (const [id, row] of tasks) if (isSpent(model, row, now)) return dropFrom(tasks, id);
  return null;
}

const dropFrom = <K>(rows: Map<K, unknown>, key: K): Droppable => ({ drop: () => void rows.delete(key) });

function isDeadFor(lease: Lease, span: number, now: EpochMillis): boolean {
  return "deadAt" in lease.state && now >= lease.state.deadAt + span;
}

function isSpent(model: Model, row: TaskRow, now: EpochMillis): boolean {
  const { id } = row.task;
  if (row.purgeAt === null || now < row.purgeAt) return false;
  const { leases, tasks, killOrders } = model.state;
  const isWalked = killOrders.every((order) => scopeKey(order.scope) !== scopeKey({ kind: "task", id }));
  const hasLease = [...leases.values()].some(({ lease }) => lease.taskId === id);
  const hasChild = [...tasks.values()].some(({ task }) => task.parentId === id);
  return isWalked && !hasLease && !hasChild;
}
