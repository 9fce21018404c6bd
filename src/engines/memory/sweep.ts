/** The sweeper's verbs: end what lapsed, walk kill orders, say what is due. */
import { lapseOf } from "../../domain/gate.ts";
import { isLive } from "../../domain/lease.ts";
import { scopeKey } from "../../domain/scope.ts";
import type { TargetName } from "../../domain/names.ts";
import { maxSweepRows } from "../../kernel/limits.ts";
import { earliest, epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { DueWork } from "../../ports/ledger-views.ts";
import { dueInstant, isDue, makeRowDue } from "./lease-row.ts";
import { byItself, lastSequence, ok, record, touch, type Model } from "./model.ts";
import { byLeaseId, isUnder, scopeHits } from "./standing.ts";
import type { KillOrder, LeaseRow, TaskRow } from "./state.ts";
import { awaitsReset, blockedUntil, breakerOf, oldest } from "./targets.ts";
import { endAndOrderKill, writeEnd, writeGrace } from "./tasks.ts";

type Closed = Answer<{ closed: number; more: boolean }, never>;

export function closeOverdueTasks(model: Model, limit: number): Closed {
  const now = model.time.now();
  const overdue = overdueTasks(model, now);
  const page = overdue.slice(0, Math.min(limit, maxSweepRows));
  let closed = 0;
  for (const row of page) {
    const lapse = lapseOf(row.task, model.state.downtime);
    if (now < lapse.at) {
      writeGrace(model, row, lapse.at, byItself, now);
      continue;
    }
    endAndOrderKill(model, row, { outcome: lapse.reason, reason: null, endedAt: lapse.at, cause: byItself }, now);
    closed += 1;
  }
  return ok({ closed, more: overdue.length > page.length }, lastSequence(model));
}

/** Grace apart: a heartbeat that a downtime excuses is looked at once, and then owed later. */
const overdueTasks = (model: Model, now: EpochMillis): TaskRow[] =>
  openTasks(model)
    .filter((row) => now >= lapseOf(row.task, null).at)
    .toSorted((left, right) => lapseOf(left.task, null).at - lapseOf(right.task, null).at);

const openTasks = (model: Model): TaskRow[] =>
  [...model.state.tasks.values()].filter((row) => row.task.state.kind === "open");

type Expanded = Answer<{ madeDue: number; more: boolean }, never>;

export function expandKillOrders(model: Model, limit: number): Expanded {
  const now = model.time.now();
  const budget = { rows: Math.min(limit, maxSweepRows), madeDue: 0 };
  const { killOrders } = model.state;
  for (const order of killOrders.toSorted(tasksFirst)) {
    if (budget.rows === 0) break;
    const walked = walk(model, order, budget, now);
    killOrders.splice(killOrders.indexOf(order), 1, ...(walked === "done" ? [] : [walked]));
  }
  for (const row of model.state.leases.values()) {
    if (budget.rows > 0 && awaitsReset(model, row, now)) resetBackoff(model, row, budget, now);
  }
  forgetResets(model, now);
  return ok({ madeDue: budget.madeDue, more: hasOrders(model) }, lastSequence(model));
}

/** The end of a task is small and must not wait behind the many leases of a door. */
const tasksFirst = (left: KillOrder, right: KillOrder): number =>
  Number(left.scope.kind !== "task") - Number(right.scope.kind !== "task") || left.sequence - right.sequence;

interface Budget {
  rows: number;
  madeDue: number;
}

/** Ends the children first, so that no report shows an open task under an ended one for longer than needed. */
function walk(model: Model, order: KillOrder, budget: Budget, now: EpochMillis): KillOrder | "done" {
  const { scope, orderedAt } = order;
  for (const row of scope.kind === "task"
    ? openTasks(model).filter((child) => isUnder(model.state, child.task.id, scope.id))
    : []) {
    if (budget.rows === 0) return order;
    writeEnd(model, row, { outcome: "parent_ended", reason: null, endedAt: orderedAt, cause: byItself }, now);
    budget.rows -= 1;
  }
  const killCause = scope.kind === "task" ? "task_ended" : "door_closed";
  let walkedTo = order.walkedTo;
  for (const row of coveredRows(model, order)) {
    if (budget.rows === 0) return { ...order, walkedTo };
    const sequence = makeRowDue(model, row, { killCause, orderedAt, dueAt: orderedAt, cause: byItself }, now);
    walkedTo = row.lease.id;
    if (sequence === null) continue;
    budget.rows -= 1;
    budget.madeDue += 1;
  }
  const taskId = scope.kind === "task" ? scope.id : null;
  const data = { scope: scopeKey(scope), ordered_at: orderedAt };
  record(model, { type: "kill.expanded", taskId, leaseId: null, cause: byItself, data }, now);
  return "done";
}

/** What was recorded before the order and lies ahead of where the walk stands. */
const coveredRows = (model: Model, order: KillOrder): LeaseRow[] =>
  [...model.state.leases.values()]
    .filter((row) => row.intendedSequence < order.sequence && isLive(row.lease.state.kind))
    .filter((row) => order.walkedTo === null || row.lease.id > order.walkedTo)
    .filter((row) => scopeHits(model.state, order.scope, row))
    .toSorted(byLeaseId);

function resetBackoff(model: Model, row: LeaseRow, budget: Budget, now: EpochMillis): void {
  const { lease } = row;
  if (lease.state.kind !== "revoking") return;
  const state = { ...lease.state, attempts: 0, dueAt: earliest(now, lease.state.dueAt) };
  model.state.leases.set(lease.id, { ...row, lease: { ...lease, state } });
  touch(model, now);
  budget.rows -= 1;
}

function forgetResets(model: Model, now: EpochMillis): void {
  const waiting = new Set<TargetName>();
  for (const row of model.state.leases.values()) if (awaitsReset(model, row, now)) waiting.add(row.lease.target);
  for (const [target, row] of model.state.targets) {
    if (row.resetting && !waiting.has(target)) model.state.targets.set(target, { ...row, resetting: false });
  }
}

const hasOrders = (model: Model): boolean =>
  model.state.killOrders.length > 0 || [...model.state.targets.values()].some((row) => row.resetting);

export function dueWork(model: Model): DueWork {
  const now = model.time.now();
  const byTarget = Map.groupBy(model.state.leases.values(), (row) => row.lease.target);
  const targets: DueWork["targets"][number][] = [];
  const instants: number[] = openTasks(model).map((row) => lapseOf(row.task, null).at);
  for (const [target, rows] of byTarget) {
    const blocked = blockedUntil(model, target, now);
    const oldestDueAt = oldest(rows.filter((row) => isDue(row, now)));
    if (blocked === null && oldestDueAt !== null)
      targets.push({ target, oldestDueAt, breaker: breakerOf(model, target) });
    for (const row of rows) {
      const dueAt = dueInstant(row.lease);
      if (dueAt !== null) instants.push(Math.max(dueAt, blocked ?? 0));
    }
  }
  const next = Math.min(...instants.filter((at) => at > now));
  return {
    now,
    targets: targets.toSorted((left, right) => (left.target < right.target ? -1 : 1)),
    sweep: hasOrders(model) || overdueTasks(model, now).length > 0,
    nextAt: next < Number.MAX_SAFE_INTEGER ? epochMillis(next) : null,
  };
}
