/** Claiming what is due under a fence, and giving it back. */
import type { Lease } from "../../../domain/lease.ts";
import { maxClaimRows } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { ClaimDue } from "../../../ports/ledger-commands.ts";
import { answer } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import {
  allot,
  askReachable,
  everyShard,
  type Offer,
  type Share,
  type ShardReply,
} from "../across-shards/reachable.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, listOf, numberOf, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { first } from "./store.ts";

/**
 * look_due {target, fence} -> how many leases the fence holds; of each rank, how many leases are due and since when the
 * first of them. Keys: target:NAME, claim:FENCE, held:NAME, due:RANK:NAME.
 */
const lookDueScript = defineScript(
  "look_due",
  [targetLua],
  String.raw`
local held = 0
for _, id in ipairs(call('SMEMBERS', at('claim', c.fence))) do
  if tonumber(call('ZSCORE', at('held', c.target), id) or 0) > now then held = held + 1 end
end
local payload = { held }
local blocked = blockedUntil(findTarget(c.target))
for rank = 0, 1 do
  local count = blocked and 0 or call('ZCOUNT', at('due', rank, c.target), '-inf', int(now))
  payload[#payload + 1] = count
  payload[#payload + 1] = int(count > 0 and firstOfRank(c.target, rank, '-inf') or 0)
end
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

/**
 * claim_due {target, limit, claim, fence} -> rows of leases: those that the fence holds already, or what is due, kills
 * first and the earliest first. What fell due by itself starts to die here; the measured time starts when it fell due.
 * Keys: meta, target:NAME, claim:FENCE, due:RANK:NAME, lease:ID and what saving one touches, claimers, audit, trail:TASK.
 */
const claimDueScript = defineScript(
  "claim_due",
  [taskLua, leaseLua, targetLua],
  String.raw`
local rows = {}
for _, id in ipairs(call('SMEMBERS', at('claim', c.fence))) do
  local row = findLease(id)
  if isClaimed(row) and standingOf(row.s).target == c.target then rows[#rows + 1] = row end
end
table.sort(rows, function(left, right) return isBefore(left.id, right.id) end)

local function claim(id)
  local row = findLease(id)
  if not isDying[row.k] then
    local cause, dueAt = row.k == 'intended' and 'outcome_unknown' or 'expiry', (dueOf(row))
    auditDue(row, cause, dueAt)
    becomeDue(row, cause, dueAt, dueAt)
  end
  row.d, row.f, row.fj, row.qj = now + c.claim, c.fence, nil, nil
  saveLease(row)
  rows[#rows + 1] = row
end
if #rows == 0 and not blockedUntil(findTarget(c.target)) then
  for rank = 0, 1 do
    local key, left = dueKey(rank, c.target), c.limit - #rows
    for _, id in ipairs(call('ZRANGE', key, '-inf', int(now), 'BYSCORE', 'LIMIT', 0, left)) do claim(id) end
  end
end
-- What is claimed is never without a claimer whose silence would be noticed.
if #rows > 0 then call('ZADD', at('claimers'), int(now), claimerOf(c.fence)) end
for i, row in ipairs(rows) do rows[i] = leaseReply(row) end
return finish('ok', seq, rows)
`,
  { lane: "revoke" },
);

/** release_claim {fence} -> how many leases it held. They are due at once. Keys: claim:FENCE, lease:ID, due:RANK:NAME. */
const releaseClaimScript = defineScript(
  "release_claim",
  [taskLua, leaseLua],
  String.raw`
local ids = call('SMEMBERS', at('claim', c.fence))
for _, id in ipairs(ids) do giveBack(id) end
return finish('ok', seq, { #ids })
`,
  { lane: "revoke" },
);

/** Nodes that look at the same instant choose alike, and all but one of them come too late. */
const maxLooks = 3;

export async function claimDue(calls: ShardCalls, command: ClaimDue): Promise<Answer<readonly Lease[], never>> {
  const bounded = { ...command, limit: Math.min(command.limit, maxClaimRows) };
  for (let look = 1; ; look += 1) {
    // oxlint-disable-next-line no-await-in-loop -- looks again only where others took what this one saw
    const shares = await chooseShards(calls, bounded);
    // oxlint-disable-next-line no-await-in-loop -- as above
    const claimed = await claimFrom(calls, shares, bounded);
    const isTooLate = claimed.leases.length === 0 && shares.length > 0 && calls.shards.count > 1;
    if (!isTooLate || look === maxLooks) return answer(claimed.leases, claimed.sequence);
  }
}

async function claimFrom(calls: ShardCalls, shares: readonly Share[], command: ClaimDue) {
  const { target, fence, claim } = command;
  const asks = shares.map(({ shard, limit }) => ({ shard, command: { target, limit, claim, fence } }));
  // A shard that did not answer may hold some under this fence: they come back when the claim lapses.
  const replies = await askReachable(calls, claimDueScript, asks);
  const leases = replies.flatMap(({ reply }) => reply.payload.map((row) => leaseFrom(listOf(row)).lease));
  return { leases, sequence: replies[0]?.reply.sequence ?? 0 };
}

/** Where to claim, and how many: where the fence holds leases already, else by what is due first. */
async function chooseShards(calls: ShardCalls, { target, fence, limit }: ClaimDue): Promise<readonly Share[]> {
  if (calls.shards.count === 1) return [{ shard: 0, limit }];
  const looks = await askReachable(calls, lookDueScript, everyShard(calls, { target, fence }));
  const held = looks.filter(({ reply }) => numberOf(reply.payload[0]) > 0).map(({ shard }) => ({ shard, limit: 0 }));
  return held.length > 0 ? held : allot(looks.flatMap(offersOf), limit);
}

function offersOf({ shard, reply: { payload } }: ShardReply): readonly Offer[] {
  return [0, 1].map((rank) => ({
    shard,
    rank,
    rows: numberOf(payload[1 + 2 * rank]),
    firstAt: Number(textOf(payload[2 + 2 * rank])),
  }));
}

export async function releaseClaim(
  calls: ShardCalls,
  { fence }: { readonly fence: string },
): Promise<Answer<{ released: number }, never>> {
  const replies = await calls.askAll(releaseClaimScript, { fence });
  const released = replies.reduce((total, { payload }) => total + numberOf(payload[0]), 0);
  return answer({ released }, first(replies).sequence);
}
