/** What only issuing asks: kills that cover a mint under way, idempotency keys, and what a replacement hands over. */
export const issuing = String.raw`
-- Whether a door's kill that was ordered after the intent still walks: its door may be open again, and it still stands.
-- Ends need no look here, because a task that has ended stays so.
local function isKilledSince(doors, intentSequence)
  local isOrdered = false
  for _, open in ipairs(call('HMGET', at('ordered'), unpack(doors))) do
    if open and tonumber(open) > 0 then isOrdered = true end
  end
  if not isOrdered then return false end
  local from, to = '(' .. int(rankSpan + intentSequence), '(' .. int(2 * rankSpan)
  for _, id in ipairs(call('ZRANGEBYSCORE', at('orders'), from, to)) do
    local scope = call('HGET', at('order', id), 'scope')
    for _, door in ipairs(doors) do
      if scope == door then return true end
    end
  end
  return false
end

-- nil where the key is free, else the conflict. What was delivered cannot be delivered again: it becomes due right here.
local function checkKey(key, digest, cause)
  local seen = call('HMGET', at('key', key), 'l', 'd')
  local row = seen[1] and findLease(seen[1])
  if not row or row.k == 'mint_failed' then return nil end
  if not isLive[row.k] and now >= row.at + 86400000 then return nil end
  if seen[2] ~= digest then return { 'key_reused' } end
  if row.k == 'intended' then return { 'in_flight', row.id } end
  makeDue(row, 'undelivered', now, now, cause)
  return { 'already_delivered', row.id }
end
-- The hash of an earlier lease under the same key has an end of its own.
local function storeKey(key, digest, leaseId)
  call('DEL', at('key', key))
  call('HSET', at('key', key), 'l', leaseId, 'd', digest)
end

local function setOf(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end
local function listText(names)
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = quote(name) end
  return quoted[1] and '[' .. table.concat(quoted, ',') .. ']' or nil
end
-- The names that go, and those that stay.
local function split(names, going)
  local gone, kept = {}, {}
  for _, name in ipairs(names) do
    if going[name] then gone[#gone + 1] = name else kept[#kept + 1] = name end
  end
  return gone, kept
end
-- The counters here that the old lease frees for what replaces it: none while what it replaced itself still lives.
local function freedBy(old) return setOf(old and mayHandOn(old.id) and namesIn(old.cl) or {}) end

-- What the new lease took over is its own now; the old one keeps the rest until it dies. over: slots in other shards.
local function replace(old, new, over, cause)
  if not isLive[old.k] then return end
  local freed, taken = freedBy(old), {}
  for _, name in ipairs(namesIn(new.cl)) do taken[name] = freed[name] end
  local goneHere, keptHere = split(namesIn(old.cl), taken)
  local goneElsewhere, keptElsewhere = split(namesIn(old.cr), setOf(over))
  giveBackCounters(goneHere)
  if #goneHere + #goneElsewhere > 0 then
    keptHere[#keptHere + 1] = replacedCounter(new.id)
    call('HINCRBY', at('counts'), replacedCounter(new.id), 1)
  end
  old.cl, old.cr = listText(keptHere), listText(keptElsewhere)
  saveLease(old)
  makeDue(old, 'replaced', now, now + 30000, cause)
end
`;
