/** Recording what a provider said about a lease under the fence of its claim. */
import type { Lease } from "../../../domain/lease.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { FenceLost, NotFound, RecordVerdict, Suspended } from "../../../ports/ledger-commands.ts";
import { createGroups } from "../across-shards/groups.ts";
import { answer } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { verdict as verdictLua } from "../lua/verdict.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, listOf, numberOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * record_verdicts {verdicts: {leaseId, fence, outcome, jitter}} -> of each, in their order: `ok`, the sequence and the
 * lease's row, or the conflict. One that is refused changes nothing for the others; nothing here may throw, because what
 * was written before would stay. A repeat answers the lease as it is. A claim that lapsed but that nobody took over still
 * counts: a late verdict is better than none. Natural expiry is not believed where only a ledger that a wrong wall drove
 * ahead would call it passed.
 * Keys: meta, lease:ID and what saving one touches, task:ID, audit, trail:TASK.
 * Conflicts: not_found, fence_lost, suspended (the clock is in doubt), not_expired (a bug of the caller).
 */
const recordVerdictsScript = defineScript(
  "record_verdicts",
  [taskLua, leaseLua, verdictLua],
  String.raw`
local function record(verdict)
  local row = findLease(verdict.leaseId)
  if not row then return { 'not_found' } end
  if row.fj == verdict.fence then return { 'ok', row.qj, leaseReply(row) } end
  if row.f ~= verdict.fence then return { 'fence_lost' } end
  if verdict.outcome.kind == 'native_expiry' then
    if suspect or (mayExpire(row, now) and not mayExpire(row, wall)) then return { 'suspended' } end
    if not mayExpire(row, now) then return { 'not_expired' } end
  end
  return { 'ok', judge(row, verdict.fence, verdict.outcome, verdict.jitter), leaseReply(row) }
end
local ids, payload = {}, {}
for i, verdict in ipairs(c.verdicts) do ids[i] = verdict.leaseId end
fetchLeases(ids)
for i, verdict in ipairs(c.verdicts) do payload[i] = record(verdict) end
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

/** Of one script: each is a handful of rows. */
const mostVerdicts = 64;

type VerdictConflict = FenceLost | NotFound | Suspended;

/** Verdicts that come while others of their shard are written are written together, next. */
export function createVerdicts(calls: ShardCalls) {
  const groups = createGroups<RecordVerdict, Reply>({
    most: mostVerdicts,
    async run(shard, verdicts) {
      const { payload } = await calls.ask(shard, recordVerdictsScript, { verdicts });
      return payload;
    },
  });
  return async ({ leaseId, fence, outcome, jitter }: RecordVerdict): Promise<Answer<Lease, VerdictConflict>> => {
    const reply = await groups.add(calls.shards.ofId(leaseId), { leaseId, fence, outcome, jitter });
    const [kind, sequence, row] = listOf(reply);
    if (textOf(kind) !== "ok") return { kind: "conflict", conflict: readConflict(textOf(kind)) };
    return answer(leaseFrom(row).lease, numberOf(sequence));
  };
}

function readConflict(reason: string): VerdictConflict {
  switch (reason) {
    case "suspended":
      return { reason, why: "clock_suspect" };
    case "fence_lost":
    case "not_found":
      return { reason };
    default:
      throw new Error(`a verdict that cannot be: ${reason}`);
  }
}
