/** Heartbeat and end of a task, and the sweep of those that lapsed by themselves. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { heartbeatDueAt, lapseOf } from "../../../domain/gate.ts";
import type { Task } from "../../../domain/task.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import { maxSweepRows } from "../../../kernel/limits.ts";
import { addSeconds, type EpochMillis } from "../../../kernel/time.ts";
import type { Answer, EndTask, GateClosed, NotFound } from "../../../ports/ledger.ts";
import { taskGate } from "../gate.ts";
import { closesAt, findTask, selectTasks, storeHeartbeat, type TaskRecord } from "../rows/task-rows.ts";
import { endAndOrderKill } from "../task-ends.ts";
import { answer, brokerCause, conflict, type Tx } from "../tx.ts";

interface TaskHeartbeat {
  readonly taskId: TaskId;
  readonly cause: Cause;
}

/** Never moves the deadline, and never revives: the gate is judged before. */
export function heartbeat(tx: Tx, command: TaskHeartbeat): Answer<Task, GateClosed | NotFound> {
  const record = findTask(tx, command.taskId);
  if (record === undefined) return conflict({ reason: "not_found" });
  const gate = taskGate(tx, record);
  if (gate.kind === "closed") return conflict({ reason: "gate_closed", gate: gate.reason });
  const before = record.task.heartbeat;
  if (before === null) return answer(record.task, tx.sequence());
  const next = storeHeartbeat(tx, record, addSeconds(tx.now, before.everySeconds));
  if (tx.now >= before.dueAt) auditGrace(tx, record, before.dueAt, command.cause);
  tx.touch();
  tx.due(closesAt(next.task));
  return answer(next.task, tx.sequence());
}

function auditGrace(tx: Tx, record: TaskRecord, wasDueAt: EpochMillis, cause: Cause): void {
  const data = { was_due_at: wasDueAt };
  tx.audit({ type: "task.heartbeat_graced", taskId: record.task.id, leaseId: null, cause, data });
}

export function endTask(tx: Tx, command: EndTask): Answer<Task, NotFound> {
  const record = findTask(tx, command.taskId);
  if (record === undefined) return conflict({ reason: "not_found" });
  if (record.endedSequence !== null) return answer(record.task, record.endedSequence);
  const { outcome, reason, cause } = command;
  const ended = endAndOrderKill(tx, record, { outcome, reason, cause, endedAt: tx.now });
  return answer(ended.task, ended.endedSequence);
}

/** Ends what lapsed at the instant at which it did. What a downtime graced is given its later instant instead. */
export function closeOverdueTasks(tx: Tx, limit: number): Answer<{ closed: number; more: boolean }, never> {
  const page = Math.min(limit, maxSweepRows);
  const where = "closes_at IS NOT NULL AND closes_at <= ? ORDER BY closes_at, key LIMIT ?";
  const overdue = selectTasks(tx, where, tx.now, page + 1);
  let closed = 0;
  for (const record of overdue.slice(0, page)) {
    const lapse = lapseOf(record.task, tx.store.downtime);
    if (tx.now < lapse.at) {
      grace(tx, record);
      continue;
    }
    endAndOrderKill(tx, record, { outcome: lapse.reason, reason: null, endedAt: lapse.at, cause: brokerCause });
    closed += 1;
  }
  return answer({ closed, more: overdue.length > page }, tx.sequence());
}

/** Writes the grace down, so that it outlives a further restart. A deadline is never moved. */
function grace(tx: Tx, record: TaskRecord): void {
  const before = record.task.heartbeat;
  if (before === null) throw new Error("a task without heartbeat has no grace");
  const next = storeHeartbeat(tx, record, heartbeatDueAt(before, tx.store.downtime));
  auditGrace(tx, record, before.dueAt, brokerCause);
  tx.due(closesAt(next.task));
}
