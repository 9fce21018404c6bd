/**
 * Writes to indices and counts wait for the end of the script, so that those of a page are one command a key. Whoever
 * reads what this script may have changed calls writeIndices() first.
 */
export const indices = String.raw`
local ranked, members, counted = {}, {}, {}
local function entriesOf(kind, key)
  kind[key] = kind[key] or {}
  return kind[key]
end
-- Sorted sets: the last word on a member stands. Without a score it goes.
local function place(key, member, score) entriesOf(ranked, key)[member] = score or false end
local function include(key, member, isIn) entriesOf(members, key)[member] = isIn end
local function countIn(key, field, by)
  local counts = entriesOf(counted, key)
  counts[field] = (counts[field] or 0) + by
end

local function writeRanked()
  for key, scores in pairs(ranked) do
    local add, drop = {}, {}
    for member, score in pairs(scores) do
      if score then
        add[#add + 1] = int(score)
        add[#add + 1] = member
      else
        drop[#drop + 1] = member
      end
    end
    if #drop > 0 then call('ZREM', key, unpack(drop)) end
    if #add > 0 then call('ZADD', key, unpack(add)) end
  end
end
local function writeMembers()
  for key, entries in pairs(members) do
    local add, drop = {}, {}
    for member, isIn in pairs(entries) do
      local list = isIn and add or drop
      list[#list + 1] = member
    end
    if #drop > 0 then call('SREM', key, unpack(drop)) end
    if #add > 0 then call('SADD', key, unpack(add)) end
  end
end
local function writeCounts()
  for key, counts in pairs(counted) do
    for field, by in pairs(counts) do
      if by ~= 0 then call('HINCRBY', key, field, by) end
    end
  end
end
local function writeIndices()
  writeRanked()
  writeMembers()
  writeCounts()
  ranked, members, counted = {}, {}, {}
end
`;
