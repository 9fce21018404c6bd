/** Reading tasks and leases. Reading changes nothing, and no page costs more than the page. */
import type { Gate, GateReason } from "../../../domain/gate.ts";
import { brand } from "../../../kernel/brand.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import type { TaskView } from "../../../ports/ledger-views.ts";
import { task as taskLua } from "../lua/task.ts";
import { taskFrom } from "../rows/task-row.ts";
import { defineScript, listOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * read_task {taskId} -> gate reason or '', the task that closed it or '', the task's row, then each ancestor's, the
 * parent first. Nothing where there is no such task.
 */
const readTaskScript = defineScript(
  "read_task",
  [taskLua],
  String.raw`
local row = findTask(c.taskId)
if not row then return finish('ok') end
local reason, by = taskGate(row)
local payload = { reason or '', by or '' }
while row do
  payload[#payload + 1] = taskReply(row.id)
  row = row.p and findTask(row.p)
end
return finish('ok', seq, payload)
`,
);

export async function readTask(calls: ShardCalls, taskId: TaskId): Promise<TaskView | undefined> {
  const { payload } = await calls.ask(calls.shards.ofId(taskId), readTaskScript, { taskId });
  const [reason, by, own, ...above] = payload;
  if (own === undefined) return undefined;
  const ancestors = above.map((row) => taskFrom(listOf(row)).task);
  return { task: taskFrom(listOf(own)).task, gate: gateFrom(reason, by), ancestors };
}

export function gateFrom(reason: Reply | undefined, by: Reply | undefined): Gate {
  const why = textOf(reason);
  if (why === "") return { kind: "open" };
  const closer = textOf(by);
  return { kind: "closed", reason: why as GateReason, by: closer === "" ? null : brand<TaskId>(closer) };
}
