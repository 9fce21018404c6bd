/**
 * Targets of revocation: breaker, pause, and what is due on each. Known from configuration, so there are few. Kept in
 * every shard, where whatever mints or kills can see them in its own atomic step.
 */
import { maxRetryMillis } from "../../../kernel/limits.ts";

export const target = String.raw`
local targetRows = {}
local function findTarget(name)
  if not targetRows[name] then
    local values = call('HMGET', at('target', name), 'ou', 'or', 'z', 'set', 'st')
    targetRows[name] = {
      name = name, openUntil = tonumber(values[1] or nil), why = values[2] or '', paused = values[3] == '1',
      isSet = values[4] == '1', stuck = tonumber(values[5] or nil) or 0,
    }
  end
  return targetRows[name]
end
local function internTarget(name) call('ZADD', at('targets'), 0, name) end
local function nextTarget(after) return call('ZRANGE', at('targets'), '(' .. after, '+', 'BYLEX', 'LIMIT', 0, 1)[1] end

-- Until when no kill of the target may be tried; nil when it may now. A pause ends by an operator only.
local function blockedUntil(row)
  if row.paused then return math.huge end
  if row.openUntil and now < row.openUntil then return row.openUntil end
  return nil
end

local function firstOfRank(name, rank, from)
  return tonumber(call('ZRANGE', at('due', rank, name), from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2])
end
-- When the first live lease of the target falls due, from an instant on (a bound as ZRANGE takes it); nil for none.
local function firstDue(name, from)
  local kill, routine = firstOfRank(name, 0, from), firstOfRank(name, 1, from)
  if kill and routine then return math.min(kill, routine) end
  return kill or routine
end

-- Never mint what cannot be killed. After its pause an open breaker lets kills through, mints only once it is closed; or
-- when the longest backoff has passed too, for then nothing was left to kill, in any shard, that could close it.
local function isKillPathBroken(name)
  local row = findTarget(name)
  if row.paused or (row.openUntil and now < row.openUntil + ${maxRetryMillis}) then return true end
  local first = firstDue(name, '-inf')
  return first ~= nil and now > first + 60000
end
`;
