/**
 * What leases and tasks count against. Counters of a task or a tree are kept here, in the hash `counts`; those of many
 * shards were reserved in their own before this script ran (reservations.ts), which only tells what it found full.
 */
export const counters = String.raw`
-- The name of the first limit that is full, nil when all have room. freed: counters here that are handed over.
local function fullLimit(limits, freed)
  for _, limit in ipairs(limits or {}) do
    if limit.full then return limit.name end
    if limit.counter then
      local used = tonumber(call('HGET', at('counts'), limit.counter)) or 0
      if freed[limit.counter] then used = used - 1 end
      if used >= limit.max then return limit.name end
    end
  end
  return nil
end

-- Names are kept as the text of a JSON list; nil for none.
local function namesIn(text) return text and cjson.decode(text) or {} end
local function takeCounters(text)
  for _, name in ipairs(namesIn(text)) do call('HINCRBY', at('counts'), name, 1) end
end
local function giveBackCounters(names)
  for _, name in ipairs(names) do
    if call('HINCRBY', at('counts'), name, -1) <= 0 then call('HDEL', at('counts'), name) end
  end
end
-- What ends takes its counters with it: those of this shard at once, those of others by way of the outbox.
local function releaseCounters(row)
  giveBackCounters(namesIn(row.cl))
  for _, name in ipairs(namesIn(row.cr)) do leave('slot', name, row.id) end
  row.cl, row.cr = nil, nil
end

-- Held, until its death, by the lease whose place another one took: meanwhile that one hands no place on.
local function replacedCounter(successorId) return 'replaced:' .. successorId end
local function mayHandOn(leaseId) return not call('HGET', at('counts'), replacedCounter(leaseId)) end
`;
