/** Tasks: open, heartbeat, end. Ending writes one row and one kill order, whatever hangs below. */
import { openingEvidence } from "../../domain/task-evidence.ts";
import type { Cause } from "../../domain/audit-entry.ts";
import { isLive } from "../../domain/lease.ts";
import type { Task, TaskOutcome } from "../../domain/task.ts";
import type { TaskId } from "../../kernel/ids.ts";
import { maxTaskDepth, tombstoneMillis } from "../../kernel/limits.ts";
import { addMillis, addSeconds, earliest, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type {
  EndTask,
  GateClosed,
  LimitReached,
  NotFound,
  OpenTask,
  OpenTaskConflict,
} from "../../ports/ledger-commands.ts";
import { fullLimit, reserve } from "./limits.ts";
import { byItself, conflict, lastSequence, notFound, ok, record, touch, type Model } from "./model.ts";
import { same } from "./same.ts";
import { chainOf, taskDoors, taskGate } from "./standing.ts";
import type { TaskRow } from "./state.ts";

export function openTask(model: Model, command: OpenTask): Answer<Task, OpenTaskConflict> {
  const now = model.time.now();
  const existing = model.state.tasks.get(command.task.id);
  if (existing !== undefined)
    return isRepeat(existing.task, command)
      ? ok(existing.task, existing.openedSequence)
      : conflict({ reason: "id_taken" });
  if (model.time.isSuspect()) return conflict({ reason: "suspended", why: "clock_suspect" });
  const refusal = checkOpening(model, command, now);
  if (refusal !== null) return conflict(refusal);
  const row = writeTask(model, command, now);
  return ok(row.task, row.openedSequence);
}

function isRepeat(task: Task, command: OpenTask): boolean {
  const { agent, opener, parentId, templates, context, purpose, ticket, automatic } = task;
  const { id, ...asked } = command.task;
  return id === task.id && same({ agent, opener, parentId, templates, context, purpose, ticket, automatic }, asked);
}

type OpeningRefusal = GateClosed | NotFound | LimitReached | { readonly reason: "too_deep" };

/** Why this task may not be opened; its id is known to be free. */
export function checkOpening(model: Model, command: OpenTask, now: EpochMillis): OpeningRefusal | null {
  const { parentId } = command.task;
  if (parentId !== null) {
    const parent = model.state.tasks.get(parentId)?.task;
    if (parent === undefined) return { reason: "not_found" };
    if (parent.depth >= maxTaskDepth) return { reason: "too_deep" };
    const gate = taskGate(model, parent, now);
    if (gate.kind === "closed") return { reason: "gate_closed", gate: gate.reason };
  }
  const doorClosed = taskDoors(command.task).some((key) => model.state.doors.has(key));
  if (doorClosed) return { reason: "gate_closed", gate: "door_closed" };
  const limit = fullLimit(model, command.limits, null, now);
  return limit === null ? null : { reason: "limit_reached", limit };
}

/** The task that the command would open. */
export function draftTask(model: Model, command: OpenTask, now: EpochMillis): Task {
  const { parentId } = command.task;
  const parent = parentId === null ? undefined : model.state.tasks.get(parentId)?.task;
  const beat = command.heartbeat;
  return {
    ...command.task,
    rootId: parent?.rootId ?? command.task.id,
    depth: (parent?.depth ?? 0) + 1,
    openedAt: now,
    deadlineAt: earliest(addMillis(now, command.deadline), ...(parent === undefined ? [] : [parent.deadlineAt])),
    heartbeat: beat === null ? null : { ...beat, dueAt: addSeconds(now, beat.everySeconds) },
    generation: model.state.generation,
    state: { kind: "open" },
  };
}

export function writeTask(model: Model, command: OpenTask, now: EpochMillis): TaskRow {
  const task = draftTask(model, command, now);
  const { cause } = command;
  const data = openingEvidence(task);
  const openedSequence = record(model, { type: "task.opened", taskId: task.id, leaseId: null, cause, data }, now);
  const counters = reserve(model, command.limits, now);
  const row: TaskRow = { task, counters, openedSequence, endedSequence: null, purgeAt: null };
  model.state.tasks.set(task.id, row);
  return row;
}

export function heartbeat(
  model: Model,
  command: { taskId: TaskId; cause: Cause },
): Answer<Task, GateClosed | NotFound> {
  const now = model.time.now();
  const row = model.state.tasks.get(command.taskId);
  if (row === undefined) return notFound;
  const gate = taskGate(model, row.task, now);
  if (gate.kind === "closed") return conflict({ reason: "gate_closed", gate: gate.reason });
  const before = row.task.heartbeat;
  if (before === null) return ok(row.task, lastSequence(model));
  const dueAt = addSeconds(now, before.everySeconds);
  if (now >= before.dueAt) writeGrace(model, row, dueAt, command.cause, now);
  else writeHeartbeat(model, row, dueAt, now);
  const task = model.state.tasks.get(row.task.id)?.task ?? row.task;
  return ok(task, lastSequence(model));
}

function writeHeartbeat(model: Model, row: TaskRow, dueAt: EpochMillis, now: EpochMillis): void {
  const { task } = row;
  if (task.heartbeat === null) throw new Error("a task without heartbeats owes none");
  model.state.tasks.set(task.id, { ...row, task: { ...task, heartbeat: { ...task.heartbeat, dueAt } } });
  touch(model, now);
}

/** Written down, so that it outlives a further restart. A deadline is never moved. */
export function writeGrace(model: Model, row: TaskRow, dueAt: EpochMillis, cause: Cause, now: EpochMillis): void {
  writeHeartbeat(model, row, dueAt, now);
  const data = { was_due_at: row.task.heartbeat?.dueAt ?? null };
  record(model, { type: "task.heartbeat_graced", taskId: row.task.id, leaseId: null, cause, data }, now);
}

export function endTask(model: Model, command: EndTask): Answer<Task, NotFound> {
  const now = model.time.now();
  const row = model.state.tasks.get(command.taskId);
  if (row === undefined) return notFound;
  if (row.endedSequence !== null) return ok(row.task, row.endedSequence);
  const ended = endAndOrderKill(model, row, { ...command, endedAt: now }, now);
  return ok(ended.task, ended.endedSequence);
}

interface End {
  readonly outcome: TaskOutcome;
  readonly reason: string | null;
  readonly endedAt: EpochMillis;
  readonly cause: Cause;
}

/** One row and one kill order for the whole subtree. */
export function endAndOrderKill(model: Model, row: TaskRow, end: End, now: EpochMillis): EndedRow {
  const ended = writeEnd(model, row, end, now);
  const scope = { kind: "task", id: row.task.id } as const;
  model.state.killOrders.push({ scope, orderedAt: end.endedAt, sequence: ended.endedSequence, walkedTo: null });
  return ended;
}

type EndedRow = TaskRow & { readonly endedSequence: number };

export function writeEnd(model: Model, row: TaskRow, end: End, now: EpochMillis): EndedRow {
  const { outcome, reason, endedAt, cause } = end;
  const task: Task = { ...row.task, state: { kind: "ended", outcome, reason, endedAt } };
  const data = { outcome, reason, ended_at: endedAt };
  const endedSequence = record(model, { type: "task.ended", taskId: task.id, leaseId: null, cause, data }, now);
  const ended = { ...row, task, counters: [], endedSequence, purgeAt: addMillis(now, tombstoneMillis) };
  model.state.tasks.set(task.id, ended);
  return ended;
}

/** An automatic task goes with its last lease; nothing is left for a kill order to find. */
export function endIfSpent(model: Model, taskId: TaskId, now: EpochMillis): void {
  const row = model.state.tasks.get(taskId);
  if (row === undefined || !row.task.automatic || row.task.state.kind === "ended") return;
  for (const { lease } of model.state.leases.values()) {
    if (lease.taskId === taskId && isLive(lease.state.kind)) return;
  }
  writeEnd(model, row, { outcome: "credential_ended", reason: null, endedAt: now, cause: byItself }, now);
}

/** The parent first. */
export const ancestorsOf = (model: Model, task: Task): readonly Task[] => chainOf(model.state, task).slice(1);
