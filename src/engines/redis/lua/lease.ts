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
-- When the next thing must be done about a live lease, and how urgent it is: 0 a kill, 1 routine expiry.
local function dueOf(row)
  if row.k == 'intended' then return row.ma + 2000, 0 end
  if row.k == 'active' then return row.ea, 1 end
  if isDying[row.k] then return row.d, row.kc == 'expiry' and 1 or 0 end
  return nil
end
local function dueKey(rank, target) return at('due', rank, target) end

-- Working copies by id, and of the rows as they are stored what other keys follow from.
local leases, storedLeases = {}, {}
local function keepStored(row)
  local dueAt, rank = dueOf(row)
  storedLeases[row.id] = { k = row.k, se = row.se, f = row.f, dueAt = dueAt, rank = rank }
end
local function keep(row)
  leases[row.id] = row
  keepStored(row)
  return row
end
local function findLease(id)
  if leases[id] then return leases[id] end
  local row = readLease(id)
  return row and keep(row) or nil
end
-- For pages: what findLease() would read one by one.
local function fetchLeases(ids)
  if #ids == 0 then return end
  local keys = {}
  for i, id in ipairs(ids) do keys[i] = at('lease', id) end
  local texts, holds = call('MGET', unpack(keys)), call('HMGET', claimsKey, unpack(ids))
  for i, id in ipairs(ids) do
    local row = texts[i] and not leases[id] and leaseIn(id, texts[i])
    if row then
      if holds[i] then holdLease(row, holds[i]) end
      keep(row)
    end
  end
end

-- The names that many leases share, kept once: agent, issuer, template, provider, target, digest of the provider,
-- native expiry, and agent and issuer of the task.
local standings = {}
local function standingFrom(text, key)
  local names = cjson.decode(text)
  return {
    key = key, text = text, template = names[3], provider = names[4], target = names[5], nativeExpiry = names[7],
    due = { [0] = dueKey(0, names[5]), dueKey(1, names[5]) }, held = at('held', names[5]),
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

local function leaseReply(row) return rowText(row, standingOf(row.s).text) end

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
-- By lease: the fence and the lapse of its claim, or false for none any more.
local holds = {}
local function writeHolds()
  local set, drop = {}, {}
  for id, hold in pairs(holds) do
    if hold then
      set[#set + 1] = id
      set[#set + 1] = hold
    else
      drop[#drop + 1] = id
    end
  end
  if #set > 0 then call('HSET', claimsKey, unpack(set)) end
  if #drop > 0 then call('HDEL', claimsKey, unpack(drop)) end
  holds = {}
end
local function writeClaims()
  writeIndices()
  writeHolds()
  for fence in pairs(claims) do
    local isEmpty = call('EXISTS', at('claim', fence)) == 0
    call(isEmpty and 'SREM' or 'SADD', at('fences', claimerOf(fence)), fence)
  end
  claims = {}
end
beforeFinish = writeClaims

local function hasStanding(row) return (pcall(standingOf, row.s)) end
-- For steps that come upon it among others; nil where it is gone or cannot be read.
local function soundLease(id)
  local row = findLease(id)
  if row and hasStanding(row) then return row end
  tellPoison('lease', id)
  return nil
end
-- Out of the way of what is due behind it: one that is there is looked at again, as whatever needs a person. What has no
-- row is known to nobody, so that no look could help.
local function setAside(key, id)
  place(key, id, call('EXISTS', at('lease', id)) == 1 and now + 900000 or nil)
end

-- Moves a lease in the indices of what is due and of claims. A claim of what is dying already is no more than this.
local function saveTimes(row)
  local was = storedLeases[row.id] or {}
  local standing = standingOf(row.s)
  local dueAt, rank = dueOf(row)
  local hasMoved = dueAt ~= was.dueAt or rank ~= was.rank
  if was.dueAt and was.rank ~= rank then place(standing.due[was.rank], row.id) end
  if dueAt then
    if hasMoved then place(standing.due[rank], row.id, dueAt) end
    due(dueAt)
  end
  if was.f ~= row.f then
    if was.f then changeClaim(was.f, row.id, false) end
    if row.f then changeClaim(row.f, row.id, true) end
  end
  if was.f ~= row.f or (row.f and hasMoved) then
    holds[row.id] = row.f and holdOf(row.f, dueAt) or false
    place(standing.held, row.id, row.f and dueAt)
  end
  touch()
  keepStored(row)
end

-- Writes a lease and whatever follows from it.
local function saveLease(row)
  local was = storedLeases[row.id] or {}
  if isLive[was.k] and not isLive[row.k] then bury(row) end
  if was.se ~= row.se then countSeal(was.se, -1) countSeal(row.se, 1) end
  call('SET', at('lease', row.id), packLease(row))
  countMove(row, was.k, row.k)
  if row.dn and was.k ~= row.k then listDenied(row) end
  saveTimes(row)
end

-- A claim that lapsed holds nobody up.
local function isClaimed(row) return row.f ~= nil and (dueOf(row) or now) > now end

-- Due at once, whoever comes first.
local function giveBack(id, fence)
  local row = soundLease(id)
  if not row then return changeClaim(fence, id, false) end
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
