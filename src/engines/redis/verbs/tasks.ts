/** Opening, heartbeat and end of a task. */
import { openingEvidence } from "../../../domain/task-evidence.ts";
import type { GateReason } from "../../../domain/gate.ts";
import type { Task } from "../../../domain/task.ts";
import { canonicalJson } from "../../../kernel/canonical-json.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type {
  EndTask,
  GateClosed,
  LimitReached,
  NotFound,
  OpenTask,
  OpenTaskConflict,
  Suspended,
} from "../../../ports/ledger-commands.ts";
import type { SuspendReason } from "../../../ports/ledger-views.ts";
import { answer, causeCommand, conflictOf } from "../answers.ts";
import { slotMarginMillis, settlementBy, type Issuing } from "../issuing.ts";
import type { LimitsCommand } from "../across-shards/limits.ts";
import { task as taskLua } from "../lua/task.ts";
import type { Holder } from "../across-shards/reservations.ts";
import { frozenText, taskFrom } from "../rows/task-row.ts";
import { defineScript, textOf, type Reply, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * open_task {opening, cause} -> the task's row.
 * Keys: meta, task:ID (made), task:PARENT, doors, closes, kids:PARENT, audit, trail:ID.
 * Conflicts: suspended WHY, not_found, too_deep, gate_closed REASON, limit_reached LIMIT. A task that exists is answered as it is: whether
 * the command is a repeat is judged by the caller.
 */
const openTaskScript = defineScript(
  "open_task",
  [taskLua],
  String.raw`
local opening = c.opening
local existing = findTask(opening.id)
if existing then return finish('ok', existing.qo, { 'existing', taskReply(opening.id) }) end
if suspended then return conflict('suspended', suspended) end
local parent, refusal = checkOpening(opening)
if parent == nil then return conflict(unpack(refusal)) end
local sequence = writeOpening(opening, draftTask(opening, parent), c.cause)
return finish('ok', sequence, { 'opened', taskReply(opening.id) })
`,
  { isAcknowledged: true, isRefusedWhenFull: true },
);

/** heartbeat {taskId, cause} -> the task's row. Conflicts: not_found, gate_closed REASON. */
const heartbeatScript = defineScript(
  "heartbeat",
  [taskLua],
  String.raw`
local row = findTask(c.taskId)
if not row then return conflict('not_found') end
local reason = taskGate(row)
if reason then return conflict('gate_closed', reason) end
if row.hb then
  local dueAt = now + row.hb * 1000
  if now >= row.hd then writeGrace(row, dueAt, c.cause) else storeHeartbeat(row, dueAt) end
end
return finish('ok', seq, { taskReply(row.id) })
`,
);

/**
 * end_task {taskId, outcome, reason, cause} -> the task's row; the first end wins. Conflict: not_found. One that is
 * written again before its opening is noted, and ends the task with its opening. Keys: ended:ID and those of an end.
 */
const endTaskScript = defineScript(
  "end_task",
  [taskLua],
  String.raw`
local row = findTask(c.taskId)
if not row then
  if c.lost then noteEnd(c.taskId, { outcome = c.outcome, reason = c.reason }) end
  return conflict('not_found')
end
local sequence = row.qe
if not sequence then
  sequence = endAndOrderKill(row, { outcome = c.outcome, reason = c.reason, endedAt = now, cause = c.cause })
end
return finish('ok', sequence, { taskReply(row.id) })
`,
  { lane: "end", isAcknowledged: true },
);

/** An opening that never was may hold its places for no longer than the task could have been open, and a day. */
export const openingHolder = ({ task, deadline, limits }: OpenTask): Holder => ({
  id: task.id,
  limits,
  holdMillis: deadline + slotMarginMillis,
});

/** What became of the limits' part is said by whoever reserved it. */
export const openingCommand = ({ task, deadline, heartbeat }: OpenTask, limits: LimitsCommand): object => ({
  ...limits,
  id: task.id,
  agent: task.agent,
  issuer: task.opener.issuer,
  parentId: task.parentId ?? undefined,
  automatic: task.automatic,
  frozen: frozenText(task),
  evidence: evidenceOf(task),
  deadline,
  everySeconds: heartbeat?.everySeconds,
  heartbeatFrom: heartbeat?.from,
});

/** The members of the entry as texts by name; the deadline is the ledger's to say. */
function evidenceOf(task: OpenTask["task"]): Readonly<Record<string, string>> {
  const evidence = openingEvidence({ ...task, deadlineAt: epochMillis(0) } as Task);
  return Object.fromEntries(
    Object.entries(evidence).map(([name, value]) => [name, value === undefined ? "null" : canonicalJson(value)]),
  );
}

export async function openTask(
  { calls, reservations }: Issuing,
  command: OpenTask,
): Promise<Answer<Task, OpenTaskConflict>> {
  const { task, cause } = command;
  const shard = calls.shards.ofId(task.id);
  const holder = openingHolder(command);
  const reserved = await reservations.reserve([holder], null);
  const reply = await calls.ask(shard, openTaskScript, {
    opening: openingCommand(command, reserved.commandOf(holder)),
    cause: causeCommand(cause),
  });
  await reserved.settle(settlementBy(reply, "opened"));
  if (reply.kind === "conflict") return conflictOf(reply, readTaskConflict);
  const [what, row] = reply.payload;
  const opened = taskFrom(row as readonly Reply[]).task;
  if (textOf(what) === "existing" && !isSameOpening(opened, task))
    return { kind: "conflict", conflict: { reason: "id_taken" } };
  return answer(opened, reply.sequence);
}

export function readTaskConflict(
  reason: string,
  [detail]: readonly Reply[],
): GateClosed | Suspended | NotFound | LimitReached | { readonly reason: "too_deep" } {
  switch (reason) {
    case "suspended":
      return { reason, why: textOf(detail) as SuspendReason };
    case "gate_closed":
      return { reason, gate: textOf(detail) as GateReason };
    case "limit_reached":
      return { reason, limit: textOf(detail) };
    case "not_found":
    case "too_deep":
      return { reason };
    default:
      throw new Error(`a conflict that this version does not know: ${reason}`);
  }
}

/** Whether a repeated id asks for the same task; spans are not compared, for the first answer stands. */
const isSameOpening = (task: Task, asked: OpenTask["task"]): boolean =>
  task.agent === asked.agent &&
  task.parentId === asked.parentId &&
  task.automatic === asked.automatic &&
  canonicalJson(JSON.parse(frozenText(task))) === canonicalJson(JSON.parse(frozenText(asked)));

export async function beat(
  calls: ShardCalls,
  { taskId, cause }: { readonly taskId: EndTask["taskId"]; readonly cause: EndTask["cause"] },
): Promise<Answer<Task, GateClosed | NotFound>> {
  const command = { taskId, cause: causeCommand(cause) };
  const reply = await calls.ask(calls.shards.ofId(taskId), heartbeatScript, command);
  return reply.kind === "ok" ? taskAnswer(reply) : conflictOf(reply, readGateConflict);
}

const readGateConflict = (reason: string, rest: readonly Reply[]): GateClosed | NotFound => {
  const conflict = readTaskConflict(reason, rest);
  if (conflict.reason === "gate_closed" || conflict.reason === "not_found") return conflict;
  throw new Error(`not a conflict of this verb: ${reason}`);
};

export async function endTask(calls: ShardCalls, command: EndTask): Promise<Answer<Task, NotFound>> {
  const { taskId, outcome, reason, cause } = command;
  const reply = await calls.ask(calls.shards.ofId(taskId), endTaskScript, {
    taskId,
    outcome,
    reason: reason ?? undefined,
    cause: causeCommand(cause),
  });
  return reply.kind === "ok" ? taskAnswer(reply) : { kind: "conflict", conflict: { reason: "not_found" } };
}

const taskAnswer = (reply: ScriptReply): Answer<Task, never> =>
  answer(taskFrom(reply.payload[0] as readonly Reply[]).task, reply.sequence);
