/** Recording what a provider said about a lease under the fence of its claim. */
import type { Lease } from "../../../domain/lease.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { FenceLost, NotFound, RecordVerdict, Suspended } from "../../../ports/ledger-commands.ts";
import { answer, conflictOf } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { verdict as verdictLua } from "../lua/verdict.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, listOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * record_verdict {leaseId, fence, outcome, jitter} -> the lease's row; a repeat answers the lease as it is. A claim that
 * lapsed but that nobody took over still counts: a late verdict is better than none.
 * Natural expiry is not believed where only a ledger that a wrong wall drove ahead would call it passed.
 * Keys: meta, lease:ID and what saving one touches, task:ID, audit, trail:TASK.
 * Conflicts: not_found, fence_lost, suspended (the clock is in doubt).
 */
const recordVerdictScript = defineScript(
  "record_verdict",
  [taskLua, leaseLua, verdictLua],
  String.raw`
local row = findLease(c.leaseId)
if not row then return conflict('not_found') end
if row.fj == c.fence then return finish('ok', row.qj, { leaseReply(row) }) end
if row.f ~= c.fence then return conflict('fence_lost') end
if c.outcome.kind == 'native_expiry' and (suspect or (mayExpire(row, now) and not mayExpire(row, wall))) then
  return conflict('suspended')
end
return finish('ok', judge(row, c.fence, c.outcome, c.jitter), { leaseReply(row) })
`,
  { lane: "revoke" },
);

type VerdictConflict = FenceLost | NotFound | Suspended;

export async function recordVerdict(
  calls: ShardCalls,
  command: RecordVerdict,
): Promise<Answer<Lease, VerdictConflict>> {
  const { leaseId, fence, outcome, jitter } = command;
  const reply = await calls.ask(calls.shards.ofId(leaseId), recordVerdictScript, { leaseId, fence, outcome, jitter });
  if (reply.kind === "conflict") return conflictOf(reply, readVerdictConflict);
  return answer(leaseFrom(listOf(reply.payload[0])).lease, reply.sequence);
}

function readVerdictConflict(reason: string): VerdictConflict {
  switch (reason) {
    case "suspended":
      return { reason, why: "clock_suspect" };
    case "fence_lost":
    case "not_found":
      return { reason };
    default:
      throw new Error(`a conflict that this version does not know: ${reason}`);
  }
}
