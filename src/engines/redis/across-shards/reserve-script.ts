/** Takes in one shard what tasks and leases of other shards need, all of it or nothing. */
import type { LeaseId } from "../../../kernel/ids.ts";
import { lease } from "../lua/lease.ts";
import { task } from "../lua/task.ts";
import { defineScript, type Script } from "../script.ts";

export type Item =
  | {
      readonly kind: "slot";
      readonly counter: string;
      readonly max: number;
      /** Asked once more for a lower bound; taken already. */
      readonly again: boolean;
      readonly owner: string;
      readonly holdMillis: number;
      readonly replaces: LeaseId | undefined;
    }
  | {
      readonly kind: "rate";
      readonly counter: string;
      readonly max: number;
      readonly again: boolean;
      readonly lengthMillis: number;
    }
  | { readonly kind: "token"; readonly token: string; readonly digest: string; readonly expiresAt: number };

/**
 * reserve {items} -> for each item a pair: `full`, `free` (it has room, and nothing was taken because another has none,
 * or it is named twice), `held` (a repeat: it is the owner's already) or `taken`; and of a slot whether it was taken over
 * from the lease that is replaced, of a rate when its window ends.
 * Keys: slots:COUNTER (owners, by when an unconfirmed reservation lapses), rate:MILLIS:COUNTER (e end, n mints),
 * replay:HASH (d digest of the request, x expiry, n requests that took it and did not give it back).
 */
const reserveLua = String.raw`
local look, take = {}, {}

function look.slot(item)
  local key = at('slots', item.counter)
  call('ZREMRANGEBYSCORE', key, '-inf', int(now))
  if call('ZSCORE', key, item.owner) then return 'held' end
  local used = call('ZCARD', key)
  if item.replaces and call('ZSCORE', key, item.replaces) then used = used - 1 end
  return used >= item.max and 'full' or 'free'
end
function take.slot(item)
  local key = at('slots', item.counter)
  local before = item.replaces and call('ZSCORE', key, item.replaces)
  if before then call('ZREM', key, item.replaces) end
  call('ZADD', key, int(now + item.holdMillis), item.owner)
  return before and 1 or 0
end

local function windowOf(item)
  return at('rate', int(item.lengthMillis), item.counter), (math.floor(now / item.lengthMillis) + 1) * item.lengthMillis
end
function look.rate(item)
  local key, endsAt = windowOf(item)
  local row = call('HMGET', key, 'e', 'n')
  local used = tonumber(row[1]) == endsAt and tonumber(row[2]) or 0
  return used >= item.max and 'full' or 'free'
end
function take.rate(item)
  local key, endsAt = windowOf(item)
  if tonumber(call('HGET', key, 'e')) ~= endsAt then
    call('DEL', key)
    call('HSET', key, 'e', int(endsAt))
    call('PEXPIRE', key, int(endsAt - now))
  end
  call('HINCRBY', key, 'n', 1)
  return endsAt
end

function look.token(item)
  local row = call('HMGET', at('replay', item.token), 'd', 'x')
  return row[1] and row[1] ~= item.digest and wall < tonumber(row[2]) and 'full' or 'free'
end
function take.token(item)
  local key = at('replay', item.token)
  if call('HGET', key, 'd') ~= item.digest then call('DEL', key) end
  call('HSET', key, 'd', item.digest, 'x', int(item.expiresAt))
  call('HINCRBY', key, 'n', 1)
  call('PEXPIRE', key, int(math.max(1, item.expiresAt - wall)))
  return 0
end

local found, blocked = {}, false
for i, item in ipairs(c.items) do
  found[i] = look[item.kind](item)
  if found[i] == 'full' then blocked = true end
end
local answers = {}
for i, item in ipairs(c.items) do
  if found[i] == 'free' and not blocked and not item.again then
    answers[i] = { 'taken', take[item.kind](item) }
  else
    answers[i] = { found[i], 0 }
  end
end
return finish('ok', seq, answers)
`;
const reserveSlots = defineScript("reserve", [], reserveLua, { isRefusedWhenFull: true });
/** The shard may have another master than the intent, which is all that the intent's own acknowledgement speaks of. */
const reserveToken = defineScript("reserve_token", [], reserveLua, { isRefusedWhenFull: true, isAcknowledged: true });
export const reserveScriptFor = (items: readonly Item[]): Script =>
  items.some(({ kind }) => kind === "token") ? reserveToken : reserveSlots;

/**
 * held_slots {leaseId} -> the counters of other shards that a live lease holds; none of a dead one, and with `toHandOn` none
 * of one that may not hand its place on. Keys: lease:ID, counts.
 */
export const heldSlots = defineScript(
  "held_slots",
  [task, lease],
  String.raw`
local row = findLease(c.leaseId)
if not row or (c.toHandOn and not mayHandOn(row.id)) then return finish('ok') end
return finish('ok', seq, namesIn(row.cr))
`,
);
