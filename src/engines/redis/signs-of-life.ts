/**
 * Processes that share the kills. Each says every second, in every shard, that it lives; what a silent one had claimed is
 * given back by whoever notices first, long before the claim would lapse. One that was only paused loses nothing: its late
 * verdict is refused (`fence_lost`), and the lease is tried again.
 */
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { lease as leaseLua } from "./lua/lease.ts";
import { task as taskLua } from "./lua/task.ts";
import { askReachable, everyShard } from "./across-shards/reachable.ts";
import { defineScript, numberOf } from "./script.ts";
import type { ShardCalls } from "./shard-calls.ts";

/** Three missed signs: less would take a busy process for dead, more would leave its work undone for longer. */
export const silentMillis = 3_000;
/** Leases that one run of the script gives back at most. */
const pageRows = 500;

/**
 * alive {claimers, silent, limit} -> how many leases were given back; 1 where more is to be given back, else 0. Notes that
 * a process runs now and reaches this shard (downtime is when none did), and for its claimers that they live. A claimer that was silent for so
 * long loses what it holds, at most `limit` leases a run; one that holds nothing is forgotten.
 * Keys: meta, claimers, fences:CLAIMER, claim:FENCE, claims, lease:ID and what saving one touches.
 */
const aliveScript = defineScript(
  "alive",
  [taskLua, leaseLua],
  String.raw`
call('HSET', KEYS[1], 'alive', int(now))
-- The silence that ends here would be forgotten with it.
if downFrom then call('HSET', KEYS[1], 'downFrom', int(downFrom), 'downUntil', int(downUntil)) end
for _, name in ipairs(c.claimers) do call('ZADD', at('claimers'), int(now), name) end
local given = 0
local function giveBackAll(name)
  for _, fence in ipairs(call('SRANDMEMBER', at('fences', name), c.limit)) do
    for _, id in ipairs(call('SRANDMEMBER', at('claim', fence), c.limit - given)) do
      giveBack(id, fence)
      given = given + 1
    end
    if given == c.limit then return end
  end
end
-- After a time in which nobody was heard here (the server was away or paused, or its clock stepped) all are given as long
-- again to be heard: else whoever is first would take the others for dead.
local function isLongAgo(instant) return now - instant >= c.silent end
local mayJudge = alive and not isLongAgo(alive) and (not downUntil or isLongAgo(downUntil))
local silent = mayJudge and call('ZRANGE', at('claimers'), '-inf', int(now - c.silent), 'BYSCORE') or {}
for _, name in ipairs(silent) do
  if given < c.limit then giveBackAll(name) end
  writeClaims()
  if call('EXISTS', at('fences', name)) == 0 then call('ZREM', at('claimers'), name) end
end
return finish('ok', seq, { given, given > 0 and given == c.limit and 1 or 0 })
`,
  { lane: "revoke" },
);

export interface SignsOfLife {
  /** The same ledger; who claims through it is said to live from then on. */
  remember(ledger: Ledger): Ledger;
  /** To be called every second. Rejects where no shard answered. */
  say(): Promise<void>;
}

export function createSignsOfLife({ calls, log }: { calls: ShardCalls; log: Log }): SignsOfLife {
  /** One a kill pool, so one a process. */
  const claimers = new Set<string>();

  /** Answers the shards where more is to be given back. */
  async function sayTo(shards: readonly number[]): Promise<readonly number[]> {
    const command = { claimers: [...claimers], silent: silentMillis, limit: pageRows };
    const asks = shards.map((shard) => ({ shard, command }));
    const replies = await askReachable(calls, aliveScript, asks);
    const leases = replies.reduce((total, { reply }) => total + numberOf(reply.payload[0]), 0);
    if (leases > 0) log.warn("claims_given_back", { leases, why: "who claimed them is silent" });
    return replies.flatMap(({ shard, reply }) => (numberOf(reply.payload[1]) === 1 ? [shard] : []));
  }

  return {
    remember: (ledger) => ({
      ...ledger,
      claimDue(command) {
        claimers.add(claimerOf(command.fence));
        return ledger.claimDue(command);
      },
    }),
    async say() {
      let shards = everyShard(calls, {}).map(({ shard }) => shard);
      // oxlint-disable-next-line no-await-in-loop -- page by page
      while (shards.length > 0) shards = [...(await sayTo(shards))];
    },
  };
}

const claimerOf = (fence: string): string => fence.slice(0, Math.max(fence.lastIndexOf("-"), 0)) || fence;
