/**
 * Tasks, doors and the gate. The judgement is the same as the domain's (src/domain/gate.ts), evaluated in the step that
 * it guards; test/kit holds both together.
 */
import { counters } from "./counters.ts";

export const task = String.raw`
${counters}
local taskNumbers = { dp = 1, o = 1, d = 1, hb = 1, hd = 1, g = 1, xa = 1, qo = 1, qe = 1 }
local taskFields = { 'ag', 'is', 'p', 'rt', 'dp', 'o', 'd', 'hb', 'hf', 'hd', 'g', 'x', 'xa', 'qo', 'qe', 'au', 'cl', 'cr' }
local tasks = {}

-- Everything of a task but its frozen text; nil where there is none.
local function findTask(id)
  if tasks[id] then return tasks[id] end
  local values = call('HMGET', at('task', id), unpack(taskFields))
  if not values[6] then return nil end
  local row = { id = id }
  for i, name in ipairs(taskFields) do
    local value = values[i]
    if value then row[name] = taskNumbers[name] and tonumber(value) or value end
  end
  tasks[id] = row
  return row
end

local function isNumber(value) return type(value) == 'number' end
local function isJudgeable(row)
  if not isNumber(row.d) or not isNumber(row.g) or (row.x and not isNumber(row.xa)) then return false end
  return not row.hb or (isNumber(row.hb) and isNumber(row.hd))
end
-- For steps that come upon it among others; nil where it is gone or lacks what the gate is judged by.
local function soundTask(id)
  local row = findTask(id)
  if row and isJudgeable(row) then return row end
  tellPoison('task', id)
  return nil
end

-- The whole row for the answer: id, then fields and values.
local function taskReply(id)
  local flat = call('HGETALL', at('task', id))
  table.insert(flat, 1, id)
  return flat
end

-- When silence closes the gate, with the grace that a downtime earns; nil without a heartbeat.
local function silentAt(row, withGrace)
  if not row.hb then return nil end
  local every = row.hb * 1000
  if withGrace and downFrom and row.hd >= downFrom and row.hd < downUntil + every and downUntil - downFrom > every then
    return math.max(row.hd, downUntil + every)
  end
  return row.hd
end

-- When a task closes by itself, and why.
local function lapseOf(row, withGrace)
  local silent = silentAt(row, withGrace)
  if silent and silent < row.d then return silent, 'heartbeat_lost' end
  return row.d, 'deadline'
end
local function closesAt(row) return (lapseOf(row, false)) end

local doorsClosed = call('HLEN', at('doors')) > 0
local function anyClosed(doorKeys)
  if not doorsClosed then return false end
  for _, value in ipairs(call('HMGET', at('doors'), unpack(doorKeys))) do
    if value then return true end
  end
  return false
end
local function taskDoors(row) return { 'all', 'agent:' .. row.ag, 'issuer:' .. row.is } end

-- nil where the gate is open; else the reason and the task that closed it. The doors of ancestors are not inherited.
local function gateBehind(row, doorKeys)
  if anyClosed(doorKeys) then return 'door_closed', nil end
  while row do
    if row.x then return 'task_ended', row.id end
    if row.g < generation then return 'restored', row.id end
    local instant, reason = lapseOf(row, true)
    if now >= instant then return reason, row.id end
    local parent = row.p and findTask(row.p)
    -- A server that failed took it away: nobody can tell any more whether it is open.
    if row.p and not parent then return 'restored', row.p end
    row = parent
  end
  return nil
end
local function taskGate(row) return gateBehind(row, taskDoors(row)) end

-- Kill orders. rank 0: a task's end, 1: a door or a restore, 2: the backoff of a target whose breaker closed.
local rankSpan = 1000000000000000
local function insertOrder(order)
  local id = order.rank .. ':' .. int(order.sequence) .. ':' .. order.subject
  call('ZADD', at('orders'), int(order.rank * rankSpan + order.sequence), id)
  call('HSET', at('order', id), 'scope', order.scope, 'cause', order.cause, 'at', int(order.orderedAt))
  call('HINCRBY', at('ordered'), order.scope, 1)
  due(now)
end
local function removeOrder(order)
  call('ZREM', at('orders'), order.id)
  call('DEL', at('order', order.id))
  if call('HINCRBY', at('ordered'), order.scope, -1) <= 0 then call('HDEL', at('ordered'), order.scope) end
end
local function orderTaskKill(row, sequence, orderedAt)
  insertOrder({ rank = 0, sequence = sequence, subject = row.id, scope = 'task:' .. row.id, cause = 'task_ended', orderedAt = orderedAt })
end

-- Ends an open task. ended: outcome, reason, endedAt, cause. Without a kill order.
local function writeEnd(row, ended)
  local data = { ended_at = int(ended.endedAt), outcome = quote(ended.outcome), reason = quote(ended.reason) }
  local sequence = audit('task.ended', row.id, nil, data, ended.cause)
  call('HSET', at('task', row.id), 'x', ended.outcome, 'xa', int(ended.endedAt), 'qe', int(sequence))
  if ended.reason then call('HSET', at('task', row.id), 'xr', ended.reason) end
  call('ZREM', at('closes'), row.id)
  call('ZADD', at('tombs'), int(ended.endedAt + 604800000), row.id)
  call('HINCRBY', KEYS[1], 'open', -1)
  if row.cl or row.cr then call('HDEL', at('task', row.id), 'cl', 'cr') end
  releaseCounters(row)
  row.x, row.xa, row.qe = ended.outcome, ended.endedAt, sequence
  return sequence
end
local function endAndOrderKill(row, ended)
  local sequence = writeEnd(row, ended)
  orderTaskKill(row, sequence, ended.endedAt)
  return sequence
end

local function storeHeartbeat(row, dueAt)
  row.hd = dueAt
  call('HSET', at('task', row.id), 'hd', int(dueAt))
  call('ZADD', at('closes'), int(closesAt(row)), row.id)
  touch()
  due(closesAt(row))
end
-- Written down and audited, so that it outlives a further restart. A deadline is never moved.
local function writeGrace(row, dueAt, cause)
  audit('task.heartbeat_graced', row.id, nil, { was_due_at = int(row.hd) }, cause)
  storeHeartbeat(row, dueAt)
end

-- What a command to open a task finds: the parent row (or false), or nil and the conflict.
local function checkOpening(opening)
  -- Written again: it was opened once, and what it stands under closes its gate by itself.
  if c.lost then return opening.parentId and findTask(opening.parentId) or false end
  local parent = false
  if opening.parentId then
    parent = findTask(opening.parentId)
    if not parent then return nil, { 'not_found' } end
    if parent.dp >= 8 then return nil, { 'too_deep' } end
    local reason = taskGate(parent)
    if reason then return nil, { 'gate_closed', reason } end
  end
  if anyClosed({ 'all', 'agent:' .. opening.agent, 'issuer:' .. opening.issuer }) then
    return nil, { 'gate_closed', 'door_closed' }
  end
  local full = fullLimit(opening.limits, {})
  if full then return nil, { 'limit_reached', full } end
  return parent
end

-- The row that the command opens, not written yet.
local function draftTask(opening, parent)
  local row = {
    id = opening.id, ag = opening.agent, is = opening.issuer, fz = opening.frozen, p = opening.parentId,
    rt = parent and parent.rt or opening.id, dp = (parent and parent.dp or 0) + 1,
    o = now, d = now + opening.deadline, g = generation, au = opening.automatic and '1' or nil, cl = opening.cl, cr = opening.cr,
  }
  if parent then row.d = math.min(row.d, parent.d) end
  if opening.everySeconds then
    row.hb, row.hf, row.hd = opening.everySeconds, opening.heartbeatFrom, now + opening.everySeconds * 1000
  end
  return row
end

-- Nodes write again in any order: an end can come before the opening that another node knows of.
local function noteEnd(taskId, ended) call('SET', at('ended', taskId), cjson.encode(ended), 'PX', 600000) end
local function endAsNoted(row, cause)
  local text = call('GET', at('ended', row.id))
  if not text then return end
  local ended = cjson.decode(text)
  endAndOrderKill(row, { outcome = ended.outcome, reason = ended.reason, endedAt = now, cause = cause })
end

-- evidence: the caller's members of the entry, JSON texts by name; the ledger adds the deadline.
local function writeOpening(opening, row, cause)
  local data = opening.evidence
  data.deadline_at = int(row.d)
  row.qo = audit('task.opened', row.id, nil, data, cause)
  local flat = {}
  for name, value in pairs(row) do
    if name ~= 'id' then
      flat[#flat + 1] = name
      flat[#flat + 1] = taskNumbers[name] and int(value) or value
    end
  end
  call('HSET', at('task', row.id), unpack(flat))
  call('ZADD', at('closes'), int(closesAt(row)), row.id)
  if row.p then call('ZADD', at('kids', row.p), 0, row.id) end
  call('HINCRBY', KEYS[1], 'open', 1)
  takeCounters(row.cl)
  tasks[row.id] = row
  due(closesAt(row))
  if c.lost then endAsNoted(row, cause) end
  return row.qo
end
`;
