/**
 * A walk over a task and everything under it, in pages of bounded cost. Where it stands is the way from the top down to
 * the last task that was visited, each with the last child that was; a script answers it, and is sent it again.
 */
export const subtree = String.raw`
-- Pairs of a task and its last visited child. c.path is left out at the beginning.
local path = c.path or { { c.taskId, '' } }
local budget = 300
-- visit(id) may take from the budget; a task is visited once, also where it has become too expensive.
local function walkSubtree(visit)
  if not c.path then visit(c.taskId) end
  while #path > 0 and budget > 0 do
    budget = budget - 1
    local top = path[#path]
    local child = call('ZRANGE', at('kids', top[1]), '(' .. top[2], '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    if child then
      top[2] = child
      path[#path + 1] = { child, '' }
      visit(child)
    else
      path[#path] = nil
    end
  end
  return path
end
`;
