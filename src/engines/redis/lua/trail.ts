/**
 * Audit entries and their hashes. A hash covers the one before it, which Lua cannot compute cheaply: the chain is
 * advanced beside the scripts (audit-chain.ts), and entries up to `sealed` have theirs.
 */
export const trail = String.raw`
local sealed = tonumber(call('HGET', KEYS[1], 'sealed')) or 0
local hashesPerList = 1024
local function hashList(number) return at('hashes', int(number)) end
local function hashOf(sequence)
  if sequence > sealed then return '' end
  return call('LINDEX', hashList(math.floor((sequence - 1) / hashesPerList)), (sequence - 1) % hashesPerList)
end

-- Of a row of the stream.
local function sequenceOf(row) return tonumber(string.match(row[1], '^%d+')) end
local function bodyOf(row) return row[2][2] end
local function entriesAfter(sequence, limit)
  return call('XRANGE', at('audit'), '(' .. int(sequence) .. '-0', '+', 'COUNT', limit)
end
-- An entry as an answer holds it: its text and its hash, '' where it has none yet.
local function tell(payload, row)
  payload[#payload + 1] = bodyOf(row)
  payload[#payload + 1] = hashOf(sequenceOf(row))
end
`;
