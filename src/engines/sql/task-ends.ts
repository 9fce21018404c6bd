/** Ending a task is one row and one kill order, whatever hangs below: what several verbs share. */
import type { Cause } from "../../domain/audit-entry.ts";
import { scopeKey } from "../../domain/scope.ts";
import type { TaskOutcome } from "../../domain/task.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import { releaseCounters } from "./rows/counter-rows.ts";
import { insertOrder, taskRank } from "./rows/kill-order-rows.ts";
import { storeEnd, taskOfKey, type TaskRecord } from "./rows/task-rows.ts";
import { brokerCause, type Tx } from "./tx.ts";

export interface End {
  readonly outcome: TaskOutcome;
  readonly reason: string | null;
  readonly endedAt: EpochMillis;
  readonly cause: Cause;
}

export type EndedRecord = TaskRecord & { readonly endedSequence: number };

export function endAndOrderKill(tx: Tx, record: TaskRecord, end: End): EndedRecord {
  const ended = writeEnd(tx, record, end);
  orderKill(tx, record, { sequence: ended.endedSequence, orderedAt: end.endedAt });
  return ended;
}

/** Orders the kill of what a task holds, as of an entry and an instant. */
export function orderKill(
  tx: Tx,
  record: TaskRecord,
  { sequence, orderedAt }: { readonly sequence: number; readonly orderedAt: EpochMillis },
): void {
  const scope = scopeKey({ kind: "task", id: record.task.id });
  insertOrder(tx, { rank: taskRank, sequence, scope, subjectKey: record.key, cause: "task_ended", orderedAt });
}

export function writeEnd(tx: Tx, record: TaskRecord, end: End): EndedRecord {
  const { outcome, reason, endedAt, cause } = end;
  const data = { ended_at: endedAt, outcome, reason };
  const endedSequence = tx.audit({ type: "task.ended", taskId: record.task.id, leaseId: null, cause, data });
  const ended = storeEnd(tx, record, { kind: "ended", outcome, reason, endedAt }, endedSequence);
  releaseCounters(tx, record.counters, { id: record.task.id, roomUntil: 0 });
  tx.tally.openTasks -= 1;
  return { ...ended, endedSequence };
}

/** An automatic task goes with its last lease; nothing is left for a kill order to find. */
export function endIfSpent(tx: Tx, taskKey: number): void {
  const record = taskOfKey(tx, taskKey);
  if (record === undefined || !record.task.automatic || record.task.state.kind === "ended") return;
  const live = tx.sql.get("SELECT 1 FROM lease WHERE task_key = ? AND due_at IS NOT NULL LIMIT 1", taskKey);
  if (live !== undefined) return;
  writeEnd(tx, record, { outcome: "credential_ended", reason: null, endedAt: tx.now, cause: brokerCause });
}
