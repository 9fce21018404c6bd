/**
 * From a delivered value's fingerprint to its lease. The pointers of a shard share 64 hashes, which Redis keeps compact: a
 * key each takes four times the memory. So many digits are kept that two values never share a pointer by chance, and
 * whoever follows one compares the whole.
 */
export const print = String.raw`
local dayMillis = 86400000
local function placeOfPrint(fingerprint)
  return at('prints', string.sub(fingerprint, 1, 1)), string.sub(fingerprint, 2, 17)
end
-- A pointer is the lease's id without its prefix, and the last day on which it is of use.
local function isOver(pointer) return tonumber(string.sub(pointer, 23)) < math.floor(wall / dayMillis) end

-- What a crash left behind has no other end: two pointers of the bucket, any of them, are looked at with each new one.
local function dropOldPrints(bucket)
  local seen = call('HRANDFIELD', bucket, 2, 'WITHVALUES')
  for i = 1, #seen, 2 do
    if isOver(seen[i + 1]) then call('HDEL', bucket, seen[i]) end
  end
end
local function writePrint(fingerprint, leaseId, lastAt)
  local bucket, field = placeOfPrint(fingerprint)
  dropOldPrints(bucket)
  call('HSET', bucket, field, string.sub(leaseId, 5) .. ' ' .. int(math.floor(lastAt / dayMillis)))
  -- Moved once a day at most, and not with every pointer.
  local lasts = lastAt + dayMillis - wall
  if call('PTTL', bucket) < lasts then call('PEXPIRE', bucket, int(math.max(1, lasts + dayMillis))) end
end
local function findPrint(fingerprint)
  local bucket, field = placeOfPrint(fingerprint)
  local pointer = call('HGET', bucket, field)
  if not pointer or isOver(pointer) then return nil end
  return 'lea_' .. string.sub(pointer, 1, 21)
end
local function dropPrint(fingerprint, leaseId)
  local bucket, field = placeOfPrint(fingerprint)
  if findPrint(fingerprint) == leaseId then call('HDEL', bucket, field) end
end
`;
