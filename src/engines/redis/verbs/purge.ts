/**
 * Drops what nobody can ask for any more, in pages: never a live lease, never a task that still has a lease or a child,
 * never an audit entry. Keys, tokens and windows of rates go by themselves, when the server's clock says so.
 */
import { maxSweepRows } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { answer } from "../answers.ts";
import { leaseRow } from "../lua/lease-row.ts";
import { task as taskLua } from "../lua/task.ts";
import { defineScript } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import type { Agenda } from "../across-shards/agenda.ts";
import { sweepShards } from "../across-shards/sweep-shards.ts";

/**
 * purge {limit} -> how many were dropped; 1 where more is past its time, else 0. A task that cannot go yet is looked at
 * again after an hour, or when the last thing that holds it goes.
 * Keys: meta, tombs, lease:ID, leases:TASK, task:ID, kids:TASK, ordered, outbox.
 */
const purgeScript = defineScript(
  "purge",
  [taskLua, leaseRow],
  String.raw`
-- What held the task is gone: it may go with this purge. One that is open or ended too recently keeps its time.
local function lookAgain(taskId)
  local row = findTask(taskId)
  if row and row.x then call('ZADD', at('tombs'), 'XX', int(row.xa + 604800000), taskId) end
end
local function dropLease(id)
  local row = readLease(id)
  call('ZREM', at('tombs'), id)
  call('DEL', at('lease', id))
  if not row then return end
  if row.fp then leave('print', row.fp, id) end
  call('ZREM', at('leases', row.t), id)
  call('HINCRBY', at('task', row.t), 'n:' .. row.k, -1)
  lookAgain(row.t)
end
local function isHeld(id)
  return call('EXISTS', at('leases', id), at('kids', id)) > 0 or call('HEXISTS', at('ordered'), 'task:' .. id) == 1
end
local function dropTask(id)
  local row = findTask(id)
  call('ZREM', at('tombs'), id)
  call('DEL', at('task', id))
  if row and row.p then
    call('ZREM', at('kids', row.p), id)
    lookAgain(row.p)
  end
end

local function nextTombs(count) return call('ZRANGE', at('tombs'), '-inf', int(now), 'BYSCORE', 'LIMIT', 0, count) end
local purged = 0
for _, id in ipairs(nextTombs(c.limit)) do
  if string.sub(id, 1, 4) == 'lea_' then
    dropLease(id)
    purged = purged + 1
  elseif isHeld(id) then
    call('ZADD', at('tombs'), 'XX', int(now + 3600000), id)
  else
    dropTask(id)
    purged = purged + 1
  end
  touch()
end
tellLeft()
return finish('ok', seq, { purged, #nextTombs(1) })
`,
  { lane: "revoke" },
);

export async function purge(
  parts: { readonly calls: ShardCalls; readonly agenda: Agenda },
  limit: number,
): Promise<Answer<{ purged: number; more: boolean }, never>> {
  const bound = Math.min(limit, maxSweepRows);
  const { sequence, done, more } = await sweepShards(parts, { work: "tombs", script: purgeScript, bound });
  return answer({ purged: done, more }, sequence);
}
