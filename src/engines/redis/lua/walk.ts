/**
 * Walks of kill orders, in pages: a page changes at most budget.rows rows and looks at no more than budget.scans, however
 * much stands behind an order. A walk answers where it stands, as a list of texts, or nil when it is over. What a page
 * has no room for must leave the position as it is.
 */
export const walk = String.raw`
local budget = { rows = c.limit, scans = math.min(c.limit * 4, 500), madeDue = 0 }
local function pageSize() return math.min(budget.rows, budget.scans) end
local function change(done) if done then budget.rows = budget.rows - 1 end end

local function makeDueBy(order, id)
  local row = soundLease(id)
  if not row or not moveToDue(row, order.cause, order.at, order.at) then return false end
  fellDue(row, row.kc, row.d)
  budget.madeDue = budget.madeDue + 1
  return true
end

-- A set of ids in their order, after the last one that was seen; answers the last of the page, or nil at the end.
-- fetch(ids), where given, goes ahead.
local function walkIds(key, after, visit, fetch)
  local size = pageSize()
  local ids = call('ZRANGE', key, '(' .. after, '+', 'BYLEX', 'LIMIT', 0, size)
  budget.scans = budget.scans - #ids
  if fetch then fetch(ids) end
  for _, id in ipairs(ids) do change(visit(id)) end
  if #ids < size then return nil end
  return ids[#ids] or after
end

local function endChild(order, id)
  local child = soundTask(id)
  if not child then return false end
  if not child.x then
    endAndOrderKill(child, { outcome = 'parent_ended', endedAt = order.at })
  elseif child.xa > order.at then
    -- It lapsed by itself after its parent had closed its gate: what it held is measured from that earlier instant.
    orderTaskKill(child, order.sequence, order.at)
  else
    return false
  end
  return true
end

-- Open children end first, each with an order of its own; then the task's own leases.
local function walkTask(order)
  local phase, after = order.pos[1] or 'kids', order.pos[2] or ''
  if phase == 'kids' then
    local last = walkIds(at('kids', order.subject), after, function(id) return endChild(order, id) end)
    return last and { 'kids', last } or { 'leases', '' }
  end
  local last = walkIds(at('leases', order.subject), after, function(id) return makeDueBy(order, id) end, fetchLeases)
  return last and { 'leases', last }
end

-- Members of a sorted set behind (score, member), with scores; that member itself need not be there any more.
local function behindCursor(key, score, member, size)
  local low, high = call('ZCOUNT', key, '-inf', '(' .. score), call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBefore(member, call('ZRANGE', key, middle, middle)[1]) then high = middle else low = middle + 1 end
  end
  return call('ZRANGE', key, low, low + size - 1, 'WITHSCORES')
end

-- A page of live leases by the due index: of one target, or of all by name. Routine expiry (rank 1) goes first, because
-- a lease that becomes due on the way moves from there to the kills (rank 0) and must land ahead of the walk.
local function walkDue(pos, only, visit)
  local name, rank, score, member = pos[1] or only or nextTarget(''), pos[2] or '1', pos[3] or '-inf', pos[4] or ''
  if not name then return nil end
  local size = pageSize()
  if size == 0 then return { name, rank, score, member } end
  local rows = behindCursor(dueKey(rank, name), score, member, size)
  budget.scans = budget.scans - #rows / 2
  local ids = {}
  for i = 1, #rows, 2 do ids[#ids + 1] = rows[i] end
  fetchLeases(ids)
  for _, id in ipairs(ids) do change(visit(id)) end
  if #rows == 2 * size then return { name, rank, rows[#rows], rows[#rows - 1] } end
  if rank == '1' then return { name, '0' } end
  local following = not only and nextTarget(name)
  return following and { following } or nil
end

-- A page may walk several orders: what is known of one door says nothing of another.
local behind = {}
local function isBehind(standing, scope)
  local known = behind[scope] or {}
  behind[scope] = known
  if known[standing] == nil then
    known[standing] = false
    for _, door in ipairs(standingOf(standing).doors) do
      if door == scope then known[standing] = true end
    end
  end
  return known[standing]
end

-- A door's order covers what was recorded before it: a lease issued after the door reopened is safe from it.
local function walkWide(order, pos)
  return walkDue(pos, nil, function(id)
    local row = findLease(id)
    local isKnown = row and hasStanding(row)
    if isKnown and (row.qi > order.sequence or not isBehind(row.s, order.scope)) then return false end
    return makeDueBy(order, id)
  end)
end

-- No task opens while a restore is under way, so every open one is of an older generation; an ended one leaves the index.
local function walkRestored(order)
  if order.pos[1] == 'due' then
    local pos = walkWide(order, { unpack(order.pos, 2) })
    return pos and { 'due', unpack(pos) }
  end
  local size = pageSize()
  local ids = call('ZRANGE', at('closes'), '-inf', '+inf', 'BYSCORE', 'LIMIT', 0, size)
  budget.rows, budget.scans = budget.rows - #ids, budget.scans - #ids
  for _, id in ipairs(ids) do
    local row = soundTask(id)
    -- Of an older generation: its gate is closed all the same.
    if row then writeEnd(row, { outcome = 'killed', reason = 'restored', endedAt = order.at }) else call('ZREM', at('closes'), id) end
  end
  return #ids < size and { 'due' } or {}
end

-- A closed breaker means that the target answers again: what waits after failed attempts is tried at once.
local function walkBackoff(order)
  return walkDue(order.pos, order.subject, function(id)
    local row = soundLease(id)
    if not row or row.k ~= 'revoking' or row.lv ~= 'retry' or isClaimed(row) then return false end
    if row.n == 0 and row.d <= now then return false end
    row.n, row.d = 0, math.min(now, row.d)
    saveLease(row)
    return true
  end)
end
`;
