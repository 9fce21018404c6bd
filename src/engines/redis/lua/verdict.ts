/**
 * What a verdict makes of a dying lease: the events "verdict" and "native_expiry" of the domain's transition function
 * (src/domain/lease-transition.ts), said again; test/kit holds both together.
 */
export const verdict = String.raw`
-- "expired" is the truth only where natural expiry ends everything, and only past the grace.
local function mayExpire(row, instant)
  return standingOf(row.s).nativeExpiry == 'full' and instant >= row.na + 300000
end

-- Where clocks differ an instant may have passed when it is told: asked again at a pace, never in a loop.
local function atOrLater(instant, pace) return instant > now and instant or now + pace end

local function retryDelay(attempts, jitter)
  local ceiling = math.min(300000, 1000 * 2 ^ math.min(attempts, 20))
  return math.max(1, math.ceil(ceiling * jitter))
end

local function die(row, state, verdict)
  row.k, row.at, row.v = state, now, verdict
  row.n, row.lv, row.lr, row.ou, row.uu, row.fx = nil, nil, nil, nil, nil, nil
end

local function staysAlive(row, state, outcome, dueAt)
  row.k, row.lv, row.lr, row.d = state, outcome.kind, outcome.reason, dueAt
  row.fx, row.uu = outcome.fix, nil
end

local afterVerdict = {
  ['dead-verified'] = function(row) die(row, 'revoked', row.pa and 'dead-verified' or 'dead-unverified') end,
  ['dead-unverified'] = function(row) die(row, 'revoked', 'dead-unverified') end,
  ['already-gone'] = function(row) die(row, 'revoked', 'already-gone') end,
  ['native_expiry'] = function(row) die(row, 'expired', nil) end,
  ['pending'] = function(row, outcome) staysAlive(row, 'revoking', outcome, atOrLater(outcome['until'], 1000)) end,
  ['expires-only'] = function(row, outcome)
    staysAlive(row, 'revoking', outcome, atOrLater(outcome.at + 300000, 300000))
    row.uu = outcome.at
  end,
  ['retry'] = function(row, outcome, jitter)
    staysAlive(row, 'revoking', outcome, now + math.max(outcome.after or 0, retryDelay(row.n, jitter)))
    row.n = row.n + 1
  end,
  ['refused'] = function(row, outcome)
    staysAlive(row, 'stuck', outcome, now + 900000)
    row.n = row.n + 1
  end,
}
local verdictEntries = { revoking = 'lease.attempted', stuck = 'lease.stuck', revoked = 'lease.revoked', expired = 'lease.expired' }

-- Records an outcome under the fence that holds the lease; answers the sequence of its entry. The entry says what is
-- believed, which can be less than was said.
local function judge(row, fence, outcome, jitter)
  afterVerdict[outcome.kind](row, outcome, jitter)
  local data = { cause = quote(row.kc), kill_ordered_at = int(row.ko), verdict = quote(row.v or outcome.kind) }
  if outcome.reason then data.reason = quote(outcome.reason) end
  local sequence = audit(verdictEntries[row.k], row.t, row.id, data)
  row.f, row.fj, row.qj = nil, fence, sequence
  saveLease(row)
  if not isDying[row.k] then endIfSpent(row.t) end
  return sequence
end
`;
