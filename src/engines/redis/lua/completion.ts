/** What a mint makes of its lease: in the script of its intent where it came along with it, else in one of its own. */
export const completion = String.raw`
-- Of a lease that is intended, or late: its death was begun while the outcome was unknown. mint: handle, sealed,
-- fingerprint, provenAlive, expiresAt, nativeExpiresAt, rejectAs, cause. Answers whether it may be delivered.
local function complete(row, mint)
  row.h, row.se, row.fp, row.pa = mint.handle, mint.sealed, mint.fingerprint, mint.provenAlive and '1' or nil
  row.ea = math.min(row.ea, mint.expiresAt)
  -- What the provider said, dated by a wall that just stepped, is no end to rely on: then the intent's latest stands.
  row.na = suspect and math.max(row.na, mint.nativeExpiresAt) or mint.nativeExpiresAt

  if isDying[row.k] then
    -- The attempt under way knows no handle, so its word must not end the lease: it loses its claim.
    row.ou, row.d, row.f = nil, now, nil
    row.qs = auditDue(row, row.kc, now, mint.cause)
    saveLease(row)
    return 'closed'
  end

  local doors = standingOf(row.s).doors
  row.k, row.at = 'active', now
  if not mint.rejectAs and not c.held and not gateBehind(findTask(row.t), doors) and not isKilledSince(doors, row.qi) then
    local data = { expires_at = int(row.ea), fingerprint = quote(row.fp), handle = row.h }
    row.qs = audit('lease.activated', row.t, row.id, data, mint.cause)
    saveLease(row)
    return 'activated'
  end
  becomeDue(row, mint.rejectAs or 'gate_closed', now, now)
  row.qs = auditDue(row, row.kc, now, mint.cause)
  saveLease(row)
  return 'closed'
end
`;
