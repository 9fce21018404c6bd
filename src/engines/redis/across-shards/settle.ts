/**
 * What a shard holds for tasks and leases of other shards: slots of counters, windows of rates, used tokens, and the
 * fingerprints of delivered values. Here is how each ends; every one of these steps may be repeated.
 */
import { print as printLua } from "../lua/print.ts";
import { defineScript } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

export type Settlement =
  /** The reservation is a lease's or task's now: it holds until that has died. */
  | { readonly kind: "keep"; readonly counter: string; readonly owner: string }
  /** `restore` is the lease whose slot it had taken over; that holds again for as long, and longer once it is kept. */
  | {
      readonly kind: "slot";
      readonly counter: string;
      readonly owner: string;
      readonly restore?: { readonly owner: string; readonly holdMillis: number };
    }
  /** Held until then only: the credential is dead, and may have to stay denied. */
  | { readonly kind: "room"; readonly counter: string; readonly owner: string; readonly until: number }
  | { readonly kind: "rate"; readonly counter: string; readonly lengthMillis: number; readonly endsAt: number }
  | { readonly kind: "token"; readonly token: string; readonly digest: string }
  | { readonly kind: "print"; readonly fingerprint: string; readonly owner: string };

/**
 * settle {items} -> nothing. Keys: slots:COUNTER, rate:MILLIS:COUNTER, replay:HASH, prints:DIGIT of the items.
 * A slot that is no more is not kept: its lease died before.
 */
const settleScript = defineScript(
  "settle",
  [printLua],
  String.raw`
local settle = {}
function settle.keep(item) call('ZADD', at('slots', item.counter), 'XX', 'inf', item.owner) end
function settle.slot(item)
  local had = call('ZREM', at('slots', item.counter), item.owner)
  if had == 1 and item.restore then
    call('ZADD', at('slots', item.counter), int(now + item.restore.holdMillis), item.restore.owner)
  end
end
-- Under another name from then on: a confirmation that comes late would hold it for ever.
function settle.room(item)
  local key = at('slots', item.counter)
  if call('ZREM', key, item.owner) == 1 and item['until'] > now then
    call('ZADD', key, int(item['until']), 'dead:' .. item.owner)
  end
end
function settle.rate(item)
  local key = at('rate', int(item.lengthMillis), item.counter)
  if tonumber(call('HGET', key, 'e')) == item.endsAt then call('HINCRBY', key, 'n', -1) end
end
function settle.token(item)
  local key = at('replay', item.token)
  if call('HGET', key, 'd') == item.digest and call('HINCRBY', key, 'n', -1) <= 0 then call('DEL', key) end
end
function settle.print(item) dropPrint(item.fingerprint, item.owner) end
for _, item in ipairs(c.items) do settle[item.kind](item) end
return finish('ok')
`,
);

export async function settle(calls: ShardCalls, shard: number, items: readonly Settlement[]): Promise<void> {
  await calls.ask(shard, settleScript, { items });
}
