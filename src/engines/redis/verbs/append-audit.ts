/** An entry that belongs to no other verb: refusals, policy loads, start. */
import type { AuditDraft } from "../../../domain/audit-entry.ts";
import { canonicalJson } from "../../../kernel/canonical-json.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { answer, causeCommand } from "../answers.ts";
import { defineScript } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * append_audit {type, taskId, leaseId, data, cause} -> nothing. Keys: meta, audit, trail:TASK.
 * A caller may name a task that never was; what is noted of that outlives every task, and no longer.
 */
const appendAuditScript = defineScript(
  "append_audit",
  [],
  String.raw`
local sequence = audit(c.type, c.taskId, c.leaseId, c.data, c.cause)
if c.taskId and call('EXISTS', at('task', c.taskId)) == 0 then call('PEXPIRE', at('trail', c.taskId), 2592000000) end
return finish('ok', sequence)
`,
  { isRefusedWhenFull: true },
);

/** With its task or lease, or with the others of its request: entries of one request stay in order. */
export async function appendAudit(calls: ShardCalls, draft: AuditDraft): Promise<Answer<void, never>> {
  const { type, taskId, leaseId, data, cause } = draft;
  const { shards } = calls;
  const id = taskId ?? leaseId;
  const shard = id === null ? shards.ofText(cause.requestId ?? type) : shards.ofId(id);
  const { evidence, ...who } = cause;
  const reply = await calls.ask(shard, appendAuditScript, {
    type,
    taskId: taskId ?? undefined,
    leaseId: leaseId ?? undefined,
    data: canonicalJson(evidence === undefined ? data : { ...data, evidence }),
    cause: causeCommand(who),
  });
  return answer(undefined, reply.sequence);
}
