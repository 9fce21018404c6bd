/** Claiming what is due under a fence, and giving it back. */
import type { Lease } from "../../../domain/lease.ts";
import { maxClaimRows } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { ClaimDue } from "../../../ports/ledger-commands.ts";
import { answer } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import type { Agenda } from "../across-shards/agenda.ts";
import { allot, askReachable, everyShard, type Share, type ShardReply } from "../across-shards/reachable.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, numberOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { first } from "./store.ts";

/**
 * claim_due {target, limit, claim, fence} -> rows of leases: those that the fence holds already, or what is due, kills
 * first and the earliest first. What fell due by itself starts to die here; the measured time starts when it fell due.
 * Keys: meta, target:NAME, claim:FENCE, claims, due:RANK:NAME, held:NAME, lease:ID and what saving one touches, claimers, audit, trail:TASK.
 */
const claimDueScript = defineScript(
  "claim_due",
  [taskLua, leaseLua, targetLua],
  String.raw`
local rows = {}
local held = call('SMEMBERS', at('claim', c.fence))
fetchLeases(held)
for _, id in ipairs(held) do
  local row = soundLease(id)
  if row and isClaimed(row) and standingOf(row.s).target == c.target then rows[#rows + 1] = row end
end
table.sort(rows, function(left, right) return isBefore(left.id, right.id) end)

local function claim(key, id)
  local row = soundLease(id)
  if not row or not isLive[row.k] then return setAside(key, id) end
  local save = saveTimes
  if not isDying[row.k] then
    local cause, dueAt = row.k == 'intended' and 'outcome_unknown' or 'expiry', (dueOf(row))
    fellDue(row, cause, dueAt)
    becomeDue(row, cause, dueAt, dueAt)
    save = saveLease
  end
  row.d, row.f, row.fj, row.qj = now + c.claim, c.fence, nil, nil
  save(row)
  rows[#rows + 1] = row
end
if #rows == 0 and not blockedUntil(findTarget(c.target)) then
  for rank = 0, 1 do
    local key, left = dueKey(rank, c.target), c.limit - #rows
    local ids = call('ZRANGE', key, '-inf', int(now), 'BYSCORE', 'LIMIT', 0, left)
    fetchLeases(ids)
    for _, id in ipairs(ids) do claim(key, id) end
  end
end
tellFallen()
-- What is claimed is never without a claimer whose silence would be noticed.
if #rows > 0 then call('ZADD', at('claimers'), int(now), claimerOf(c.fence)) end
for i, row in ipairs(rows) do rows[i] = leaseReply(row) end
return finish('ok', seq, rows)
`,
  { lane: "revoke" },
);

/** release_claim {fence} -> how many leases it held. They are due at once. Keys: claim:FENCE, claims, lease:ID, due:RANK:NAME. */
const releaseClaimScript = defineScript(
  "release_claim",
  [taskLua, leaseLua],
  String.raw`
local ids = call('SMEMBERS', at('claim', c.fence))
for _, id in ipairs(ids) do giveBack(id, c.fence) end
return finish('ok', seq, { #ids })
`,
  { lane: "revoke" },
);

/**
 * set_aside {leaseId} -> nothing. A lease that a claim took and that this process cannot read: told, and looked at again
 * as whatever needs a person. Keys: lease:ID and what saving one touches, poison, audit.
 */
const setAsideScript = defineScript(
  "set_aside",
  [taskLua, leaseLua],
  String.raw`
tellPoison('lease', c.leaseId)
local row = findLease(c.leaseId)
if row then
  row.d, row.f = now + 900000, nil
  saveLease(row)
end
return finish('ok')
`,
  { lane: "revoke" },
);

/** Nodes that look at the same instant choose alike, and all but one of them come too late. */
const maxLooks = 3;

interface ClaimParts {
  readonly calls: ShardCalls;
  readonly agenda: Agenda;
}

export function createClaims(parts: ClaimParts) {
  const { calls, agenda } = parts;
  const isNew = createFences();

  /** By what is due first, as far as this process knows. `again`: what it knew was not so. */
  async function chooseShards({ target, limit }: ClaimDue, again: boolean): Promise<readonly Share[]> {
    await agenda.refresh();
    const known = again ? [] : allot(agenda.offers(target), limit);
    if (known.length > 0) return known;
    await agenda.refreshAll();
    return allot(agenda.offers(target), limit);
  }

  return async function claimDue(command: ClaimDue): Promise<Answer<readonly Lease[], never>> {
    const bounded = { ...command, limit: Math.min(command.limit, maxClaimRows) };
    if (calls.shards.count === 1) return claimFrom(parts, [{ shard: 0, limit: bounded.limit }], bounded);
    const isRepeat = !isNew(command.fence);
    if (isRepeat) {
      const held = await claimFrom(parts, heldShares(calls), bounded);
      if (held.value.length > 0) return held;
    }
    for (let look = 1; ; look += 1) {
      // oxlint-disable-next-line no-await-in-loop -- looks again only where others took what this one saw
      const shares = await chooseShards(bounded, isRepeat || look > 1);
      // oxlint-disable-next-line no-await-in-loop -- as above
      const claimed = await claimFrom(parts, shares, bounded);
      const isTooLate = claimed.value.length === 0 && shares.length > 0;
      if (!isTooLate || look === maxLooks) return claimed;
    }
  };
}

/** Takes nothing new, but answers what is held already. */
const heldShares = (calls: ShardCalls): readonly Share[] =>
  everyShard(calls, {}).map(({ shard }) => ({ shard, limit: 0 }));

async function claimFrom({ calls, agenda }: ClaimParts, shares: readonly Share[], command: ClaimDue) {
  const { target, fence, claim } = command;
  const asks = shares.map(({ shard, limit }) => ({ shard, command: { target, limit, claim, fence } }));
  // A shard that did not answer may hold some under this fence: they come back when the claim lapses.
  const replies = await askReachable(calls, claimDueScript, asks);
  for (const { shard, limit: asked } of shares) {
    const got = replies.find((one) => one.shard === shard)?.reply.payload.length ?? 0;
    if (asked > 0) agenda.took(target, { shard, asked, got });
  }
  const leases = await Promise.all(replies.map((one) => readLeases(calls, one)));
  return { kind: "ok", value: leases.flat(), sequence: replies[0]?.reply.sequence ?? 0 } as const;
}

/** One that cannot be read must not keep the others of its claim from being killed. */
async function readLeases(calls: ShardCalls, { shard, reply }: ShardReply): Promise<readonly Lease[]> {
  const leases: Lease[] = [];
  for (const row of reply.payload) {
    try {
      leases.push(leaseFrom(row).lease);
    } catch {
      // oxlint-disable-next-line no-await-in-loop -- hardly ever
      await calls.ask(shard, setAsideScript, { leaseId: idIn(row) });
    }
  }
  return leases;
}

/** Quotes inside the texts of a row are escaped, so that this finds its own member. */
const idIn = (row: Reply): string => /"id":"(\w+)"/.exec(textOf(row))?.[1] ?? "";

/**
 * Whether a fence was never used before: a claimer of this process numbers its own upwards. Of any other it is not known,
 * and what it may hold is looked for.
 */
function createFences(): (fence: string) => boolean {
  const last = new Map<string, number>();
  return (fence) => {
    const [, claimer, digits] = /^(.*)-(\d+)$/.exec(fence) ?? [];
    if (claimer === undefined) return false;
    const before = last.get(claimer);
    const number = Number(digits);
    last.set(claimer, Math.max(number, before ?? 0));
    return before !== undefined && number > before;
  };
}

export async function releaseClaim(
  calls: ShardCalls,
  { fence }: { readonly fence: string },
): Promise<Answer<{ released: number }, never>> {
  const replies = await calls.askAll(releaseClaimScript, { fence });
  const released = replies.reduce((total, { payload }) => total + numberOf(payload[0]), 0);
  return answer({ released }, first(replies).sequence);
}
