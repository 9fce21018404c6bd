/** What can be asked. Reading changes nothing. */
import { isLive, type Lease } from "../../domain/lease.ts";
import { scopeKey, type KillScope } from "../../domain/scope.ts";
import type { Task } from "../../domain/task.ts";
import type { Fingerprint } from "../../kernel/digest.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { BlastRadius, LeaseSummary, LeaseView, LedgerHealth, TaskView } from "../../ports/ledger-views.ts";
import type { Model } from "./model.ts";
import { byLeaseId, isUnder, leaseGate, scopeHits, taskDoors, taskGate, taskOf } from "./standing.ts";
import type { LeaseRow } from "./state.ts";
import { ancestorsOf } from "./tasks.ts";

export function readTask(model: Model, taskId: TaskId): TaskView | undefined {
  const task = model.state.tasks.get(taskId)?.task;
  if (task === undefined) return undefined;
  return { task, gate: taskGate(model, task, model.time.now()), ancestors: ancestorsOf(model, task) };
}

export function readLease(model: Model, leaseId: LeaseId): LeaseView | undefined {
  const row = model.state.leases.get(leaseId);
  return row === undefined ? undefined : viewOf(model, row.lease);
}

export function findLease(model: Model, fingerprint: Fingerprint): LeaseView | undefined {
  const row = [...model.state.leases.values()].find(({ lease }) => lease.fingerprint === fingerprint);
  return row === undefined ? undefined : viewOf(model, row.lease);
}

function viewOf(model: Model, lease: Lease): LeaseView {
  const task = taskOf(model.state, lease);
  return { lease, task, gate: leaseGate(model, lease, task, model.time.now()) };
}

interface Page {
  readonly after: LeaseId | null;
  readonly limit: number;
}

export const listLeases = (model: Model, query: Page & { readonly taskId: TaskId }): readonly Lease[] =>
  pageOf(rowsUnder(model, query.taskId), query);

export const listStuck = (model: Model, query: Page): readonly Lease[] =>
  pageOf(
    [...model.state.leases.values()].filter(({ lease }) => lease.state.kind === "stuck"),
    query,
  );

export const pageOf = (rows: readonly LeaseRow[], { after, limit }: Page): readonly Lease[] =>
  rows
    .filter((row) => after === null || row.lease.id > after)
    .toSorted(byLeaseId)
    .slice(0, Math.min(limit, maxPageSize))
    .map((row) => row.lease);

const rowsUnder = (model: Model, rootId: TaskId): LeaseRow[] =>
  [...model.state.leases.values()].filter(({ lease }) => isUnder(model.state, lease.taskId, rootId));

export function summarize(model: Model, taskId: TaskId): LeaseSummary {
  const byState = { intended: 0, active: 0, revoking: 0, stuck: 0, revoked: 0, expired: 0, mint_failed: 0 };
  for (const { lease } of rowsUnder(model, taskId)) byState[lease.state.kind] += 1;
  const live = byState.intended + byState.active + byState.revoking + byState.stuck;
  const dead = byState.revoked + byState.expired + byState.mint_failed;
  return { live, dead, stuck: byState.stuck, byState };
}

/** A sealed text begins with the id of its key and a dot. */
export function sealedKeyIds(model: Model): readonly string[] {
  const sealed = [...model.state.leases.values()].flatMap(({ lease }) => (lease.sealed === null ? [] : [lease.sealed]));
  return [...new Set(sealed.map((text) => text.slice(0, Math.max(0, text.indexOf(".")))))].toSorted();
}

/** Open tasks whose gate it would close, and live leases that it would make due, with the tasks that hold them. */
export function blastRadius(model: Model, scope: KillScope): BlastRadius {
  const { state } = model;
  const leases = [...state.leases.values()].filter(
    (row) => isLive(row.lease.state.kind) && scopeHits(state, scope, row),
  );
  const open = [...state.tasks.values()].map((row) => row.task).filter((task) => task.state.kind === "open");
  const stands = (task: Task): boolean =>
    scope.kind === "task" ? isUnder(state, task.id, scope.id) : taskDoors(task).includes(scopeKey(scope));
  const tasks = new Set([...open.filter(stands).map((task) => task.id), ...leases.map((row) => row.lease.taskId)]);
  const byProvider: Record<string, number> = {};
  for (const { lease } of leases) byProvider[lease.provider] = (byProvider[lease.provider] ?? 0) + 1;
  return { tasks: tasks.size, leases: leases.length, byProvider };
}

export function health(model: Model, isStopped: boolean): LedgerHealth {
  const { state, time } = model;
  const leases = [...state.leases.values()].map((row) => row.lease.state.kind);
  const suspended = isStopped ? "stopped" : time.isSuspect() ? "clock_suspect" : null;
  return {
    now: time.now(),
    generation: state.generation,
    suspended,
    counts: {
      openTasks: [...state.tasks.values()].filter((row) => row.task.state.kind === "open").length,
      liveLeases: leases.filter(isLive).length,
      stuckLeases: leases.filter((kind) => kind === "stuck").length,
    },
  };
}
