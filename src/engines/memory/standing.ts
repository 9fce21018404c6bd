/** What a task or lease stands under: its ancestors, its doors, its gate, and what stands under it in turn. */
import { evaluateGate, type Gate } from "../../domain/gate.ts";
import type { Lease } from "../../domain/lease.ts";
import { doorKeysOf, scopeKey, type KillScope } from "../../domain/scope.ts";
import type { Task } from "../../domain/task.ts";
import type { TaskId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Model } from "./model.ts";
import type { LeaseRow, MemoryState } from "./state.ts";

/** The task first, up to its root. */
export function chainOf(state: MemoryState, task: Task): Task[] {
  const chain = [task];
  for (let id = task.parentId; id !== null;) {
    const parent = state.tasks.get(id)?.task;
    if (parent === undefined) throw new Error("a task outlived its parent's row");
    chain.push(parent);
    id = parent.parentId;
  }
  return chain;
}

export function isUnder(state: MemoryState, taskId: TaskId, rootId: TaskId): boolean {
  const task = state.tasks.get(taskId)?.task;
  return task !== undefined && chainOf(state, task).some((link) => link.id === rootId);
}

type LeaseNames = Pick<Lease, "agent" | "issuer" | "template" | "provider">;

export const taskDoors = (task: Pick<Task, "agent" | "opener">): readonly string[] =>
  doorKeysOf({ agent: task.agent, issuer: task.opener.issuer });

const leaseDoors = (lease: LeaseNames, task: Task): readonly string[] => [...doorKeysOf(lease), ...taskDoors(task)];

export function taskGate(model: Model, task: Task, now: EpochMillis): Gate {
  return gate(model, task, taskDoors(task), now);
}

export function leaseGate(model: Model, lease: LeaseNames, task: Task, now: EpochMillis): Gate {
  return gate(model, task, leaseDoors(lease, task), now);
}

function gate(model: Model, task: Task, doors: readonly string[], now: EpochMillis): Gate {
  const { state } = model;
  const facts = {
    chain: chainOf(state, task),
    doorsClosed: doors.some((key) => state.doors.has(key)),
    downtime: state.downtime,
    restoredGeneration: state.generation,
  };
  return evaluateGate(facts, now);
}

/** Whether a kill of this scope reaches the lease. */
export function scopeHits(state: MemoryState, scope: KillScope, row: LeaseRow): boolean {
  const { lease } = row;
  if (scope.kind === "task") return isUnder(state, lease.taskId, scope.id);
  return leaseDoors(lease, taskOf(state, lease)).includes(scopeKey(scope));
}

export function taskOf(state: MemoryState, lease: Pick<Lease, "taskId">): Task {
  const row = state.tasks.get(lease.taskId);
  if (row === undefined) throw new Error("a lease outlived its task's row");
  return row.task;
}

const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

export const byLeaseId = (left: LeaseRow, right: LeaseRow): number => byText(left.lease.id, right.lease.id);
