/**
 * What every script begins with: its command, the shard's clock and meta row, canonical JSON and the audit. A script
 * checks first and writes last: Redis runs it alone, but takes nothing back when it fails half-way.
 *
 * KEYS[1] is the shard's `meta`; every other key is of the same shard and is built from its prefix. ARGV[1] is the
 * command as JSON, flat: texts that are JSON themselves stay texts, and what is null is left out.
 */
import { shortestDowntimeMillis } from "../../../kernel/limits.ts";
import { storedFormat } from "../stored-format.ts";

export const base = String.raw`
local base = string.sub(KEYS[1], 1, -5)
local c = cjson.decode(ARGV[1])
local function at(...) return base .. table.concat({ ... }, ':') end
local call = redis.call

-- Numbers are doubles: exact for instants and sequences.
local function int(number) return string.format('%.0f', number) end

-- Canonical JSON (RFC 8785). Values given to object() are JSON already.
local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
local function quote(text)
  if not text then return 'null' end
  if not string.find(text, '[%z\1-\31"\\]') then return '"' .. text .. '"' end
  local escaped = string.gsub(text, '[%z\1-\31"\\]', function(char)
    return escapes[char] or string.format('\\u%04x', string.byte(char))
  end)
  return '"' .. escaped .. '"'
end
-- By bytes. Lua's own < compares texts as the locale does that the server was started in.
local function isBefore(left, right)
  for i = 1, math.min(#left, #right) do
    local ours, theirs = string.byte(left, i), string.byte(right, i)
    if ours ~= theirs then return ours < theirs end
  end
  return #left < #right
end
local function object(members)
  local names = {}
  for name in pairs(members) do names[#names + 1] = name end
  table.sort(names, isBefore)
  for i, name in ipairs(names) do names[i] = '"' .. name .. '":' .. members[name] end
  return '{' .. table.concat(names, ',') .. '}'
end

-- The ledger's clock: never behind what was committed or seen; far behind, it goes on at the node's own pace.
local meta = call('HMGET', KEYS[1], 'clock', 'seq', 'gen', 'restoring', 'downFrom', 'downUntil', 'epoch', 'told', 'alive', 'v')
-- Made anew by a newer version while this process runs, which would not understand what it finds.
if (tonumber(meta[10] or nil) or 0) > ${storedFormat} and not c.enters then
  return redis.error_reply('NEWERFORMAT the ledger is of a newer format')
end
local seq, generation, restoring = tonumber(meta[2]) or 0, tonumber(meta[3]) or 1, (tonumber(meta[4] or nil) or 0) > 0
local downFrom, downUntil = tonumber(meta[5] or nil), tonumber(meta[6] or nil)
local epoch, told = tonumber(meta[7]) or 0, meta[8] == '1'
local wall = @WALL@
local now = math.max(tonumber(meta[1]) or 0, c.time.floor)
if now - wall > 60000 then
  now = math.max(now, c.time.floor + math.max(0, math.floor(c.time.mono - c.time.floorMono)))
else
  now = math.max(now, wall)
end
-- At the first look of a process the ledger's clock itself is what the wall should show.
local suspect = math.abs(wall - (c.time.expect or now)) > 60000
-- A time in which nobody could say here that it lives is a downtime, as one that a start notes; seen by every script, so
-- that whichever comes first afterwards judges no silence that nobody could break. A longer one that still counts stays.
local alive = tonumber(meta[9] or nil)
local silence = alive and not suspect and now - alive or 0
local isShorter = downUntil and silence < downUntil - downFrom and now - downUntil < downUntil - downFrom
if silence > ${shortestDowntimeMillis} and not isShorter then downFrom, downUntil = alive, now end
-- What was answered once and is written again on a master that lost it is held up by nothing.
local suspended = not c.lost and (c.held or (restoring and 'restoring') or (suspect and 'clock_suspect')) or nil

-- touch(): something changed that has no entry of its own. due(): something of this change falls due then.
local touched, dueHint = false, nil
local function touch() touched = true end
local function due(instant)
  if not dueHint or instant < dueHint then dueHint = instant end
end

-- leave(): what this shard owes to another one; whoever ran the script is told, and any node may do it.
local left = false
local function leave(...)
  call('SADD', at('outbox'), table.concat({ ... }, '\n'))
  left = true
end
-- For what sweeps: what a process that crashed has left is told anew.
local function tellLeft() left = left or call('EXISTS', at('outbox')) == 1 end

-- Sequences of new entries by task, written at the end.
local trails = {}
local broker = { actor = 'broker' }
-- Appends an entry in the same atomic step as its change; data holds JSON texts by name, or is a whole one.
local function audit(kind, taskId, leaseId, data, cause)
  cause = cause or broker
  if type(data) == 'table' then
    if cause.evidence then data.evidence = cause.evidence end
    data = object(data)
  end
  seq = seq + 1
  touched = true
  -- Written out because it is written often: the names stand in canonical order.
  local sequence = int(seq)
  local body = '{"actor":' .. quote(cause.actor) .. ',"at":' .. int(now) .. ',"data":' .. data
    .. ',"lease_id":' .. quote(leaseId) .. ',"request_id":' .. quote(cause.requestId) .. ',"sequence":' .. sequence
    .. ',"task_id":' .. quote(taskId) .. ',"type":' .. quote(kind) .. '}'
  call('XADD', at('audit'), sequence .. '-0', 'b', body)
  if taskId then
    trails[taskId] = trails[taskId] or {}
    table.insert(trails[taskId], sequence)
  end
  return seq
end

-- What a part of a script has put off until its end.
local beforeFinish
-- What cannot be read harms nothing else: it is passed over, told once and counted. A person has to see to it.
local function tellPoison(kind, id)
  if call('SADD', at('poison'), kind .. ':' .. id) == 0 then return end
  local why = call('EXISTS', at(kind, id)) == 1 and 'unreadable' or 'gone'
  audit('store.poison', kind == 'task' and id or nil, kind == 'lease' and id or nil, { kind = quote(kind), why = quote(why) })
end

-- The one way out of a script. kind: ok or conflict; sequence: of the change that is answered.
local function finish(kind, sequence, payload)
  if beforeFinish then beforeFinish() end
  for taskId, sequences in pairs(trails) do call('RPUSH', at('trail', taskId), unpack(sequences)) end
  if touched then
    if suspect and not told then audit('clock.suspect', nil, nil, { wall = int(wall) }) end
    call('HSET', KEYS[1], 'clock', int(now), 'seq', int(seq), 'told', suspect and '1' or '0')
  end
  return { kind, sequence or seq, now, wall, epoch, dueHint or -1, left and 1 or 0, payload or {} }
end
local function conflict(...) return finish('conflict', seq, { ... }) end
`;
