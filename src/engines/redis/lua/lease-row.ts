/**
 * How a lease is stored, and nowhere else: one string, its fields by their names (README) as MessagePack. A string costs a
 * third less memory than a hash of the same fields, whatever the server's settings and however long a text is.
 */
export const leaseRow = String.raw`
-- Kept as distances from the creation, which are short. The lease's own name in its handle and its task's in the names
-- of counters are kept as one character each that JSON text cannot hold.
local instantsAfterCreation = { 'ma', 'ea', 'na', 'd', 'at', 'ko', 'uu' }
local itself, itsTask = '\1', '\2'

local function shiftInstants(row, by)
  for _, name in ipairs(instantsAfterCreation) do
    if row[name] then row[name] = row[name] + by end
  end
end

-- The row is made into what is stored and back again, which is cheaper than a copy of so many fields.
local function packLease(row)
  local id, task, native, handle, here, fence = row.id, row.t, row.na, row.h, row.cl, row.f
  row.id, row.f, row.t = nil, nil, string.sub(task, 5)
  row.h = string.gsub(handle, id, itself)
  row.cl = here and string.gsub(here, task, itsTask) or nil
  if native == row.ea then row.na = nil end
  shiftInstants(row, -row.c)
  local text = cmsgpack.pack(row)
  shiftInstants(row, row.c)
  row.id, row.t, row.na, row.h, row.cl, row.f = id, task, native, handle, here, fence
  return text
end
local function unpackLease(id, text)
  local row = cmsgpack.unpack(text)
  shiftInstants(row, row.c)
  row.na = row.na or row.ea
  row.id, row.t = id, 'tsk_' .. row.t
  row.h = string.gsub(row.h, itself, id)
  if row.cl then row.cl = string.gsub(row.cl, itsTask, row.t) end
  return row
end

-- A claim is not in the row, so that it costs no write of each: who holds a dying lease and until when stands in one hash.
local claimsKey = at('claims')
local function holdOf(fence, lapsesAt) return int(lapsesAt) .. ' ' .. fence end
local function holdLease(row, hold)
  local lapsesAt, fence = string.match(hold, '^(%d+) (.*)$')
  row.d, row.f, row.fj, row.qj = tonumber(lapsesAt), fence, nil, nil
end
local isDying = { revoking = true, stuck = true }

-- What whoever comes upon a lease relies on.
local function isWhole(row)
  if type(row.qi) ~= 'number' or not row.s then return false end
  if row.k == 'intended' then return row.ma ~= nil end
  if row.k == 'active' then return row.ea ~= nil end
  if isDying[row.k] then return (row.d and row.ko and row.kc and row.n) ~= nil end
  return row.k == 'revoked' or row.k == 'expired' or row.k == 'mint_failed'
end
-- Nil where the text is none of ours, or not whole.
local function leaseIn(id, text)
  local isRead, row = pcall(unpackLease, id, text)
  return isRead and isWhole(row) and row or nil
end
local function readLease(id)
  local text = call('GET', at('lease', id))
  local row = text and leaseIn(id, text)
  if not row then return nil end
  local hold = isDying[row.k] and call('HGET', claimsKey, id)
  if hold then holdLease(row, hold) end
  return row
end

-- The whole row for the answer, as one text: the shared names and the fields. A number there has 14 digits at most.
local function rowText(row, names)
  local far = {}
  for _, name in ipairs(instantsAfterCreation) do
    if row[name] and row[name] >= 1e14 then
      far[name] = row[name]
      row[name] = int(row[name])
    end
  end
  local text = '[' .. names .. ',' .. cjson.encode(row) .. ']'
  for name, instant in pairs(far) do row[name] = instant end
  return text
end
`;
