/**
 * Leases: rows, the due index and the transitions, the same as the domain's (src/domain/lease-transition.ts); test/kit
 * holds both together. A lease's fields are named in the README's storage table.
 */
import { indices } from "./indices.ts";
import { leaseRow } from "./lease-row.ts";

export const lease = String.raw`
${indices}
${leaseRow}
local isLive = { intended = true, active = true, revoking = true, stuck = true }
local isDying = { revoking = true, stuck = true }
-- Working copies by id, and the rows as they are stored.
local leases, storedLeases = {}, {}
local function keepStored(row)
  local copy = {}
  for name, value in pairs(row) do copy[name] = value end
  storedLeases[row.id] = copy
end
local function findLease(id)
  if leases[id] then return leases[id] end
  local row = readLease(id)
  if not row then return nil end
  leases[id] = row
  keepStored(row)
  return row
end

-- The names that many leases share, kept once: agent, issuer, template, provider, target, digest of the provider,
-- native expiry, and agent and issuer of the task.
local standings = {}
local function standingFrom(text, key)
  local names = cjson.decode(text)
  return {
    key = key, text = text, template = names[3], provider = names[4], target = names[5], nativeExpiry = names[7],
    doors = { 'all', 'agent:' .. names[1], 'issuer:' .. names[2], 'template:' .. names[3], 'provider:' .. names[4], 'agent:' .. names[8], 'issuer:' .. names[9] },
  }
end
local function standingOf(key)
  standings[key] = standings[key] or standingFrom(call('HGET', at('standings'), key), key)
  return standings[key]
end
local function internStanding(text)
  local key = call('HGET', at('standing'), text)
  if not key then
    key = tostring(call('HLEN', at('standing')) + 1)
    call('HSET', at('standing'), text, key)
    call('HSET', at('standings'), key, text)
  end
  return standingOf(key)
end

-- The whole row for the answer: id, names, then fields and values.
local function leaseReply(row)
  local flat = { row.id, standingOf(row.s).text }
  for name, value in pairs(row) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  return flat
end

-- When the next thing must be done about a live lease, and how urgent it is: 0 a kill, 1 routine expiry.
local function dueOf(row)
  if row.k == 'intended' then return row.ma + 2000, 0 end
  if row.k == 'active' then return row.ea, 1 end
  if isDying[row.k] then return row.d, row.kc == 'expiry' and 1 or 0 end
  return nil
end
local function dueKey(rank, target) return at('due', rank, target) end

-- Counts a lease's change of state for its task and for the shard.
local function countMove(row, from, to)
  if from == to then return end
  local taskKey = at('task', row.t)
  if from then countIn(taskKey, 'n:' .. from, -1) end
  countIn(taskKey, 'n:' .. to, 1)
  local live = (isLive[to] and 1 or 0) - (isLive[from] and 1 or 0)
  if live ~= 0 then countIn(KEYS[1], 'live', live) end
  local stuck = (to == 'stuck' and 1 or 0) - (from == 'stuck' and 1 or 0)
  if stuck ~= 0 then
    countIn(KEYS[1], 'stuck', stuck)
    countIn(at('target', standingOf(row.s).target), 'st', stuck)
    place(at('stuck'), row.id, stuck > 0 and 0)
  end
end

local function sealKey(sealed) return string.match(sealed, '^[^.]*') end
local function countSeal(sealed, change)
  if sealed and call('HINCRBY', at('seals'), sealKey(sealed), change) <= 0 then
    call('HDEL', at('seals'), sealKey(sealed))
  end
end
-- Room at the provider is given back when a revoked credential has surely ended by itself, any other at once.
local function leaveRoom(row)
  if not row.dn then return end
  leave('room', 'denied:' .. standingOf(row.s).target, row.id, int(row.k == 'revoked' and row.na + 300000 or 0))
end
-- What takes room is listed from the order of its kill on; what has ended otherwise needs no denial.
local function listDenied(row)
  local key = at('denied', standingOf(row.s).target)
  if isDying[row.k] or row.k == 'revoked' then call('ZADD', key, 0, row.id) else call('ZREM', key, row.id) end
end
-- What a death takes with it: the sealed secret, the counters and the claim go in the write in which the lease dies.
local function bury(row)
  row.d, row.f, row.se = nil, nil, nil
  releaseCounters(row)
  leaveRoom(row)
  if row.ik then call('PEXPIRE', at('key', row.ik), 86400000) end
  place(at('tombs'), row.id, now + 604800000)
end

-- A claim is kept under its claimer too, so that what one held that died is found. Both are empty when all is judged.
local function claimerOf(fence) return string.match(fence, '^(.*)-[^-]*$') or fence end
local claims = {}
local function changeClaim(fence, id, isHeld)
  include(at('claim', fence), id, isHeld)
  claims[fence] = true
end
local function writeClaims()
  writeIndices()
  for fence in pairs(claims) do
    local isEmpty = call('EXISTS', at('claim', fence)) == 0
    call(isEmpty and 'SREM' or 'SADD', at('fences', claimerOf(fence)), fence)
  end
  claims = {}
end
beforeFinish = writeClaims

-- Writes a lease and moves it in the due index.
local function saveLease(row)
  local was = storedLeases[row.id] or {}
  if isLive[was.k] and not isLive[row.k] then bury(row) end
  if was.se ~= row.se then countSeal(was.se, -1) countSeal(row.se, 1) end
  call('SET', at('lease', row.id), packLease(row))
  local target = standingOf(row.s).target
  local oldDue, oldRank = dueOf(was)
  local newDue, newRank = dueOf(row)
  if oldDue and oldRank ~= newRank then place(dueKey(oldRank, target), row.id) end
  if newDue then
    if newDue ~= oldDue or newRank ~= oldRank then place(dueKey(newRank, target), row.id, newDue) end
    due(newDue)
  end
  if was.f ~= row.f then
    if was.f then changeClaim(was.f, row.id, false) end
    if row.f then changeClaim(row.f, row.id, true) end
  end
  local wasHeld, isHeld = was.f and oldDue, row.f and newDue
  if isHeld ~= wasHeld and (isHeld or wasHeld) then place(at('held', target), row.id, isHeld) end
  countMove(row, was.k, row.k)
  if row.dn and was.k ~= row.k then listDenied(row) end
  touch()
  keepStored(row)
end

-- A claim that lapsed holds nobody up.
local function isClaimed(row) return row.f ~= nil and (dueOf(row) or now) > now end

-- Due at once, whoever comes first.
local function giveBack(id)
  local row = findLease(id)
  row.d, row.f = math.min(now, row.d), nil
  saveLease(row)
end

-- The transition "due". Changes the row, does not store it. endsBackoff: a person wants it tried at once.
local function becomeDue(row, cause, orderedAt, dueAt, endsBackoff)
  if isDying[row.k] then
    local sooner = math.min(row.d, dueAt)
    if row.kc == 'expiry' and cause ~= 'expiry' then
      row.kc, row.ko, row.d = cause, orderedAt, sooner
      return
    end
    if cause ~= 'expiry' then row.ko = math.min(row.ko, orderedAt) end
    if not row.lv or endsBackoff then row.d = sooner end
    return
  end
  row.ou = row.k == 'intended' and '1' or nil
  row.k, row.kc, row.ko, row.n, row.d = 'revoking', cause, orderedAt, 0, dueAt
  row.at = nil
end

local function auditDue(row, killCause, dueAt, cause)
  return audit('lease.due', row.t, row.id, { cause = quote(killCause), due_at = int(dueAt) }, cause)
end

-- For pages: one entry for all leases of a task that fell due alike, or a page of them would be most of the audit.
local fallen = {}
local function fellDue(row, killCause, dueAt)
  local key = row.t .. ' ' .. killCause .. ' ' .. int(dueAt)
  if not fallen[key] then
    fallen[key] = { row = row, cause = killCause, dueAt = dueAt, ids = {} }
    fallen[#fallen + 1] = fallen[key]
  end
  local ids = fallen[key].ids
  ids[#ids + 1] = quote(row.id)
end
local function tellFallen()
  for _, one in ipairs(fallen) do
    if #one.ids == 1 then
      auditDue(one.row, one.cause, one.dueAt)
    else
      local data = { cause = quote(one.cause), due_at = int(one.dueAt), leases = '[' .. table.concat(one.ids, ',') .. ']' }
      audit('lease.due', one.row.t, nil, data)
    end
  end
  fallen = {}
end

-- Makes a live lease due and stores it, without an entry; false where nothing changed.
local function moveToDue(row, killCause, orderedAt, dueAt, endsBackoff)
  local dueNow = dueOf(row)
  if not dueNow then return false end
  local wasDying, wasClaimed = isDying[row.k], isClaimed(row)
  local oldCause, oldDue, oldOrdered = row.kc, row.d, row.ko
  becomeDue(row, killCause, orderedAt, math.min(dueAt, dueNow), endsBackoff)
  if wasClaimed then row.d = dueNow end
  if wasDying and oldCause == row.kc and oldDue == row.d and oldOrdered == row.ko then return false end
  saveLease(row)
  return true
end
-- With its entry; answers the sequence of that, or nil where nothing changed.
local function makeDue(row, killCause, orderedAt, dueAt, cause, endsBackoff)
  if not moveToDue(row, killCause, orderedAt, dueAt, endsBackoff) then return nil end
  return auditDue(row, row.kc, row.d, cause)
end

-- An automatic task ends, without a kill order, with its last lease.
local function endIfSpent(taskId)
  local row = findTask(taskId)
  if not row or not row.au or row.x then return end
  writeIndices()
  for _, count in ipairs(call('HMGET', at('task', taskId), 'n:intended', 'n:active', 'n:revoking', 'n:stuck')) do
    if tonumber(count or 0) > 0 then return end
  end
  writeEnd(row, { outcome = 'credential_ended', endedAt = now })
end
`;
