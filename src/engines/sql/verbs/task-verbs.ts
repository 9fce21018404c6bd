/** Heartbeat and end of a task, and the sweep of those that lapsed by themselves. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { lapseOf } from "../../../domain/gate.ts";
import type { Task } from "../../../domain/task.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import { maxSweepRows } from "../../../kernel/limits.ts";
import { addSeconds, type EpochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { EndTask, GateClosed, NotFound } from "../../../ports/ledger-commands.ts";
import { taskGate } from "../gate.ts";
import { findTask, selectTasks, storeHeartbeat, type TaskRecord } from "../rows/task-rows.ts";
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
  const dueAt = addSeconds(tx.now, before.everySeconds);
  if (tx.now >= before.dueAt) return answer(writeGrace(tx, record, dueAt, command.cause).task, tx.sequence());
  const next = storeHeartbeat(tx, record, dueAt);
  tx.touch();
  return answer(next.task, tx.sequence());
}

/** Written down and audited, so that it outlives a further restart. A deadline is never moved. */
function writeGrace(tx: Tx, record: TaskRecord, dueAt: EpochMillis, cause: Cause): TaskRecord {
  const data = { was_due_at: record.task.heartbeat?.dueAt ?? null };
  tx.audit({ type: "task.heartbeat_graced", taskId: record.task.id, leaseId: null, cause, data });
  return storeHeartbeat(tx, record, dueAt);
}

export function endTask(tx: Tx, command: EndTask): Answer<Task, NotFound> {
  const record = findTask(tx, command.taskId);
  if (record === undefined) return conflict({ reason: "not_found" });
  if (record.endedSequence !== null) return answer(record.task, record.endedSequence);
  const { outcome, reason, cause } = command;
  const ended = endAndOrderKill(tx, record, { outcome, reason, cause, endedAt: tx.now });
  return answer(ended.task, ended.endedSequence);
}

/** Ends what lapsed at the instant at which it did. What a downtime graced is owed later instead. */
export function closeOverdueTasks(tx: Tx, limit: number): Answer<{ closed: number; more: boolean }, never> {
  const page = Math.min(limit, maxSweepRows);
  const where = "closes_at IS NOT NULL AND closes_at <= ? ORDER BY closes_at, key LIMIT ?";
  const overdue = selectTasks(tx, where, tx.now, page + 1);
  let closed = 0;
  for (const record of overdue.slice(0, page)) {
    const lapse = lapseOf(record.task, tx.store.downtime);
    if (tx.now < lapse.at) {
      writeGrace(tx, record, lapse.at, brokerCause);
      continue;
    }
    endAndOrderKill(tx, record, { outcome: lapse.reason, reason: null, endedAt: lapse.at, cause: brokerCause });
    closed += 1;
  }
  return answer({ closed, more: overdue.length > page }, tx.sequence());
}
