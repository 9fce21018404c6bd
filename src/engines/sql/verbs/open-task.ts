/** Opens a task, alone or with the intent of an exchange that named none. Checks first, then one row. */
import { openingEvidence } from "../../../domain/task-evidence.ts";
import { canonicalJson, type Json } from "../../../kernel/canonical-json.ts";
import { keyOfId } from "../../../kernel/ids.ts";
import { maxTaskDepth } from "../../../kernel/limits.ts";
import { addMillis, addSeconds, earliest } from "../../../kernel/time.ts";
import type { Task } from "../../../domain/task.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { GateClosed, LimitReached, NotFound, OpenTask, OpenTaskConflict } from "../../../ports/ledger-commands.ts";
import { taskDoorKeys, taskGate } from "../gate.ts";
import { checkLimits, takeLimits, type Reservation } from "../rows/counter-rows.ts";
import { isAnyClosed } from "../rows/door-rows.ts";
import { closesAt, findTask, insertTask, taskOfKey, type TaskRecord } from "../rows/task-rows.ts";
import { answer, conflict, type Tx } from "../tx.ts";

export function openTask(tx: Tx, command: OpenTask): Answer<Task, OpenTaskConflict> {
  const { id } = command.task;
  const existing = taskOfKey(tx, keyOfId(id));
  if (existing !== undefined) {
    const isRepeat = existing.task.id === id && sameOpening(existing.task, command.task);
    return isRepeat ? answer(existing.task, existing.openedSequence) : conflict({ reason: "id_taken" });
  }
  if (tx.suspended !== null) return conflict({ reason: "suspended", why: tx.suspended });
  const opening = checkOpening(tx, command);
  if (opening.kind === "refused") return conflict(opening.reason);
  const record = writeOpening(tx, command, opening);
  return answer(record.task, record.openedSequence);
}

export type OpeningRefusal = GateClosed | NotFound | LimitReached | { readonly reason: "too_deep" };
export type Opening =
  | { readonly kind: "refused"; readonly reason: OpeningRefusal }
  | {
      readonly kind: "allowed";
      readonly task: Task;
      readonly parent: TaskRecord | undefined;
      readonly reservation: Extract<Reservation, { kind: "free" }>;
    };

/** The task that the command would open, or why not. Its id is known to be free. */
export function checkOpening(tx: Tx, command: OpenTask): Opening {
  const { parentId } = command.task;
  const parent = parentId === null ? undefined : findTask(tx, parentId);
  if (parentId !== null && parent === undefined) return refused({ reason: "not_found" });
  if (parent !== undefined) {
    if (parent.task.depth >= maxTaskDepth) return refused({ reason: "too_deep" });
    const gate = taskGate(tx, parent);
    if (gate.kind === "closed") return refused({ reason: "gate_closed", gate: gate.reason });
  }
  if (isAnyClosed(tx, taskDoorKeys(command.task))) return refused({ reason: "gate_closed", gate: "door_closed" });
  const reservation = checkLimits(tx, command.limits, []);
  if (reservation.kind === "full") return refused({ reason: "limit_reached", limit: reservation.limit });
  return { kind: "allowed", task: draftTask(tx, command, parent?.task), parent, reservation };
}

const refused = (reason: OpeningRefusal): Opening => ({ kind: "refused", reason });

function draftTask(tx: Tx, command: OpenTask, parent: Task | undefined): Task {
  const { heartbeat } = command;
  return {
    ...command.task,
    rootId: parent?.rootId ?? command.task.id,
    depth: (parent?.depth ?? 0) + 1,
    openedAt: tx.now,
    deadlineAt: earliest(addMillis(tx.now, command.deadline), ...(parent === undefined ? [] : [parent.deadlineAt])),
    heartbeat: heartbeat === null ? null : { ...heartbeat, dueAt: addSeconds(tx.now, heartbeat.everySeconds) },
    generation: tx.store.generation,
    state: { kind: "open" },
  };
}

export function writeOpening(
  tx: Tx,
  command: OpenTask,
  { task, parent, reservation }: Extract<Opening, { kind: "allowed" }>,
): TaskRecord {
  const opened = { type: "task.opened", taskId: task.id, leaseId: null, data: openingEvidence(task) } as const;
  const openedSequence = tx.audit({ ...opened, cause: command.cause });
  const counters = takeLimits(tx, reservation);
  const keys = { key: keyOfId(task.id), parentKey: parent?.key ?? null };
  const record = { task, ...keys, counters, openedSequence, endedSequence: null };
  insertTask(tx, record);
  tx.tally.openTasks += 1;
  tx.due(closesAt(task));
  return record;
}

/** Whether a repeated id asks for the same task; spans are not compared, for the first answer stands. */
function sameOpening(task: Task, asked: OpenTask["task"]): boolean {
  return canonicalJson(openingOf(task)) === canonicalJson(openingOf(asked));
}

function openingOf(task: OpenTask["task"]): Json {
  const { agent, opener, parentId, templates, context, purpose, ticket, automatic } = task;
  const { issuer, subject, agent: openerAgent } = opener;
  return {
    agent,
    opener: [openerAgent, issuer, subject],
    parentId,
    templates: templates.map(({ template, parameters }) => [template, parameters]),
    context,
    purpose,
    ticket,
    automatic,
  };
}
