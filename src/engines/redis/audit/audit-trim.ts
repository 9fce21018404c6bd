/**
 * Retention of the audit: Redis keeps it in memory, so that entries older than the retention are dropped, oldest first.
 * An entry goes only once it has its hash, and never while the clock is in doubt. The chain of what is left stays
 * verifiable: `audit.trimmed`, itself a part of it, holds sequence and hash of the last entry that went.
 */
import { maxSweepRows } from "../../../kernel/limits.ts";
import type { Millis } from "../../../kernel/time.ts";
import { trail } from "../lua/trail.ts";
import { defineScript, numberOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** Unless told otherwise. Who needs more ships the entries elsewhere before that. */
export const defaultRetentionDays = 30;

/**
 * trim_audit {keep, limit} -> how many went; 1 where more must go, else 0. Begins once the oldest entry is an hour over
 * its time, so that a busy shard tells of it once an hour, not with each call.
 * Keys: meta, audit, hashes:N, trail:TASK.
 */
const trimScript = defineScript(
  "trim_audit",
  [trail],
  String.raw`
local dropped = tonumber(call('HGET', KEYS[1], 'dropped')) or 0
local underWay = call('HGET', KEYS[1], 'trimming') == '1'
-- Of canonical JSON, in which these stand first and last.
local function instantOf(body) return tonumber(string.match(body, '^{"actor":"[^"]*","at":(%d+),')) end
local function taskOf(body) return string.match(body, ',"task_id":"(tsk_%w+)","type":"[%w._]+"}$') end

local oldest = entriesAfter(dropped, 1)[1]
local before = now - c.keep
if suspended or not oldest then return finish('ok', seq, { 0, 0 }) end
if not underWay and instantOf(bodyOf(oldest)) >= before - 3600000 then return finish('ok', seq, { 0, 0 }) end

local last, count = dropped, 0
for _, row in ipairs(entriesAfter(dropped, c.limit)) do
  local sequence, body = sequenceOf(row), bodyOf(row)
  if sequence > sealed or instantOf(body) >= before then break end
  local taskId = taskOf(body)
  if taskId and call('LINDEX', at('trail', taskId), 0) == int(sequence) then call('LPOP', at('trail', taskId)) end
  last, count = sequence, count + 1
end
if count == 0 and not underWay then return finish('ok', seq, { 0, 0 }) end
local hash = call('HGET', KEYS[1], 'droppedHash')
if count > 0 then
  hash = hashOf(last)
  call('XTRIM', at('audit'), 'MINID', int(last + 1) .. '-0')
  for number = math.floor(dropped / hashesPerList), math.floor(last / hashesPerList) - 1 do call('DEL', hashList(number)) end
end
local more = count == c.limit
call('HSET', KEYS[1], 'dropped', int(last), 'droppedHash', hash, 'trimming', more and '1' or '0')
if not more then audit('audit.trimmed', nil, nil, { hash = quote(hash), through = int(last) }) end
return finish('ok', seq, { count, more and 1 or 0 })
`,
  { lane: "end" },
);

/** At most one page a shard; to be called again soon where there is more, and some time later otherwise. */
export async function trimAudit(calls: ShardCalls, keep: Millis): Promise<{ trimmed: number; more: boolean }> {
  const replies = await calls.askAll(trimScript, { keep, limit: maxSweepRows });
  return {
    trimmed: replies.reduce((sum, { payload }) => sum + numberOf(payload[0]), 0),
    more: replies.some(({ payload }) => numberOf(payload[1]) === 1),
  };
}
