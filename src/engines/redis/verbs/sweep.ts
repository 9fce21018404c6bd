/** The sweeper's verbs: ends what lapsed and walks kill orders, in pages over the shards that have any. */
import { maxSweepRows } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { answer } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import { walk as walkLua } from "../lua/walk.ts";
import { defineScript } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import type { Agenda } from "../across-shards/agenda.ts";
import { sweepShards } from "../across-shards/sweep-shards.ts";

/**
 * close_overdue {limit} -> how many ended; 1 where more are overdue, else 0. What a downtime graced is owed later instead.
 * Keys: meta, closes, task:ID, orders, order:ID, ordered, tombs, audit, trail:ID.
 */
const closeOverdueScript = defineScript(
  "close_overdue",
  [taskLua],
  String.raw`
-- Its gate cannot be judged and so lets nothing through; its leases are due at their own bounds.
local function setTaskAside(id)
  local isThere = call('EXISTS', at('task', id)) == 1
  if isThere then call('ZADD', at('closes'), int(now + 900000), id) else call('ZREM', at('closes'), id) end
  touch()
end
local closed = 0
local overdue = call('ZRANGE', at('closes'), '-inf', int(now), 'BYSCORE', 'LIMIT', 0, c.limit + 1)
for i = 1, math.min(#overdue, c.limit) do
  local row = soundTask(overdue[i])
  local instant, reason
  if row then instant, reason = lapseOf(row, true) end
  if not row then
    setTaskAside(overdue[i])
  elseif now < instant then
    writeGrace(row, instant)
  else
    endAndOrderKill(row, { outcome = reason, endedAt = instant })
    closed = closed + 1
  end
end
return finish('ok', seq, { closed, #overdue > c.limit and 1 or 0 })
`,
  { lane: "revoke" },
);

/**
 * expand_orders {limit} -> how many leases were made due; 1 where more is to be walked, else 0. Ends of tasks go ahead of
 * doors, so that one end never waits for the many leases of a kill. Even an order that finds nothing costs, or a page
 * could finish any number of them.
 * Keys: meta, orders, order:ID, ordered, kids:TASK, leases:TASK, closes, due:RANK:NAME, targets, lease:ID and what saving
 * one touches, task:ID, audit, trail:TASK.
 */
const expandOrdersScript = defineScript(
  "expand_orders",
  [taskLua, leaseLua, targetLua, walkLua],
  String.raw`
local function firstOrder()
  local id = call('ZRANGE', at('orders'), 0, 0)[1]
  if not id then return nil end
  local rank, sequence, subject = string.match(id, '^(%d):(%d+):(.*)$')
  local facts = call('HMGET', at('order', id), 'scope', 'cause', 'at', 'pos')
  return {
    id = id, rank = tonumber(rank), sequence = tonumber(sequence), subject = subject,
    scope = facts[1], cause = facts[2], at = tonumber(facts[3]), pos = facts[4] and cjson.decode(facts[4]) or {},
  }
end
local function walkOrder(order)
  if order.rank == 0 then return walkTask(order) end
  if order.rank == 2 then return walkBackoff(order) end
  if order.cause == 'restored' then return walkRestored(order) end
  return walkWide(order, order.pos)
end
local function finishOrder(order)
  removeOrder(order)
  if order.rank == 2 then return end
  local data = { ordered_at = int(order.at), scope = quote(order.scope) }
  audit('kill.expanded', order.rank == 0 and order.subject or nil, nil, data)
  -- One that was ordered again since still ends whatever is open.
  if order.cause == 'restored' and tonumber(meta[4]) == order.sequence then call('HSET', KEYS[1], 'restoring', '0') end
end

while pageSize() > 0 do
  local order = firstOrder()
  if not order then break end
  budget.scans = budget.scans - 1
  local pos = walkOrder(order)
  tellFallen()
  writeIndices()
  touch()
  if pos then call('HSET', at('order', order.id), 'pos', cjson.encode(pos)) else finishOrder(order) end
end
local more = call('ZCARD', at('orders')) > 0
if more then due(now) end
return finish('ok', seq, { budget.madeDue, more and 1 or 0 })
`,
  { lane: "revoke" },
);

interface SweepParts {
  readonly calls: ShardCalls;
  readonly agenda: Agenda;
}

export async function closeOverdueTasks(
  parts: SweepParts,
  limit: number,
): Promise<Answer<{ closed: number; more: boolean }, never>> {
  const bound = Math.min(limit, maxSweepRows);
  const { sequence, done, more } = await sweepShards(parts, { work: "overdue", script: closeOverdueScript, bound });
  return answer({ closed: done, more }, sequence);
}

export async function expandKillOrders(
  parts: SweepParts,
  limit: number,
): Promise<Answer<{ madeDue: number; more: boolean }, never>> {
  const bound = Math.min(limit, maxSweepRows);
  const { sequence, done, more } = await sweepShards(parts, { work: "orders", script: expandOrdersScript, bound });
  return answer({ madeDue: done, more }, sequence);
}
