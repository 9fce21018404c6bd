/** One page of a sweep over many shards: looks where there is work, shares the page out, and adds up what was done. */
import { unreachable } from "../../../kernel/unreachable.ts";
import type { Agenda } from "./agenda.ts";
import { allot, askReachable, everyShard, type Offer, type ShardReply } from "./reachable.ts";
import { defineScript, numberOf, type Script } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * look_sweep {} -> number and first instant of overdue tasks; of kill orders number, rank of the first and its instant;
 * number and first instant of tombstones past their time. Keys: closes, orders, order:ID, tombs.
 */
const lookSweepScript = defineScript(
  "look_sweep",
  [],
  String.raw`
local function past(key)
  local count = call('ZCOUNT', key, '-inf', int(now))
  return count, count > 0 and call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or '0'
end
local overdue, closedAt = past(at('closes'))
local tombs, purgeAt = past(at('tombs'))
local orders, head = call('ZCARD', at('orders')), call('ZRANGE', at('orders'), 0, 0)[1]
local rank, orderedAt = '0', '0'
if head then rank, orderedAt = string.sub(head, 1, 1), call('HGET', at('order', head), 'at') end
return finish('ok', seq, { overdue, closedAt, orders, rank, orderedAt, tombs, purgeAt })
`,
  { lane: "revoke" },
);

/** What is swept. */
export type SweepWork = "overdue" | "orders" | "tombs";

export interface SweepPage {
  readonly done: number;
  readonly more: boolean;
  readonly sequence: number;
}

/** `script` takes a limit and answers how many it did and whether, 1 or 0, more is left in its shard. */
export async function sweepShards(
  { calls, agenda }: { readonly calls: ShardCalls; readonly agenda: Agenda },
  options: { readonly work: SweepWork; readonly script: Script; readonly bound: number },
): Promise<SweepPage> {
  const { work, script, bound } = options;
  const offers = await lookFor(calls, { work, bound, shards: await shardsWith(work, agenda, calls) });
  const shares = allot(offers, bound);
  const asks = shares.map(({ shard, limit }) => ({ shard, command: { limit } }));
  const replies = await askReachable(calls, script, asks);
  const payloads = replies.map(({ reply }) => reply.payload);
  return {
    done: payloads.reduce((total, [done]) => total + numberOf(done), 0),
    // A shard that does not answer has more, but asking it again at once would not help.
    more: offers.length > shares.length || payloads.some(([, more]) => numberOf(more) === 1),
    sequence: replies[0]?.reply.sequence ?? 0,
  };
}

/** Where there may be any. Tombstones have time; everything else is in the agenda. */
async function shardsWith(work: SweepWork, agenda: Agenda, calls: ShardCalls): Promise<readonly number[]> {
  if (work === "tombs" || calls.shards.count === 1) return everyShard(calls, {}).map(({ shard }) => shard);
  await agenda.refresh();
  const known = agenda.toSweep();
  if (known.length > 0) return known;
  await agenda.refreshAll();
  return agenda.toSweep();
}

async function lookFor(
  calls: ShardCalls,
  { work, bound, shards }: { work: SweepWork; bound: number; shards: readonly number[] },
): Promise<readonly Offer[]> {
  const [only, ...others] = shards;
  if (only !== undefined && others.length === 0) return [{ shard: only, rank: 0, firstAt: 0, rows: bound }];
  const looks = await askReachable(
    calls,
    lookSweepScript,
    shards.map((shard) => ({ shard, command: {} })),
  );
  const offers = looks.map((look) => offerOf(look, work)).filter(({ rows }) => rows > 0);
  // How much an order covers is known only when it is walked: all that have one get the same share.
  const share = Math.ceil(bound / offers.length);
  return work === "orders" ? offers.map((offer) => ({ ...offer, rows: share })) : offers;
}

function offerOf({ shard, reply: { payload } }: ShardReply, work: SweepWork): Offer {
  const [overdue, closedAt, orders, rank, orderedAt, tombs, purgeAt] = payload.map(numberOf);
  switch (work) {
    case "overdue":
      return { shard, rank: 0, rows: overdue ?? 0, firstAt: closedAt ?? 0 };
    case "orders":
      return { shard, rank: rank ?? 0, rows: orders ?? 0, firstAt: orderedAt ?? 0 };
    case "tombs":
      return { shard, rank: 0, rows: tombs ?? 0, firstAt: purgeAt ?? 0 };
    default:
      return unreachable(work);
  }
}
