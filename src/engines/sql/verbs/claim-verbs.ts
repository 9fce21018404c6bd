/** The workers' side of the kill path: claim what is due under a fence, and record what the provider said. */
import { verdictEntryType } from "../../../domain/audit-entry.ts";
import { isDying, mayExpire, type LeaseEvent } from "../../../domain/lease-transition.ts";
import type { Lease } from "../../../domain/lease.ts";
import { maxClaimRows } from "../../../kernel/limits.ts";
import { addMillis, earliest } from "../../../kernel/time.ts";
import type { JsonObject } from "../../../kernel/canonical-json.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { ClaimDue, FenceLost, NotFound, RecordVerdict, Suspended } from "../../../ports/ledger-commands.ts";
import { text } from "../driver.ts";
import { auditDueTogether, isClaimed, moved, type FellDue } from "../lease-moves.ts";
import { findLease, selectLeases, storeClaim, storeLease, type LeaseRecord } from "../rows/lease-rows.ts";
import { dueAtOf } from "../rows/lease-state.ts";
import { findTarget } from "../rows/target-rows.ts";
import { blockedUntil } from "../target-work.ts";
import { endIfSpent } from "../task-ends.ts";
import { answer, brokerCause, conflict, type Tx } from "../tx.ts";

/** Kills before routine expiry, earliest first. A fence that still holds leases is answered with those. */
export function claimDue(tx: Tx, command: ClaimDue): Answer<readonly Lease[], never> {
  const target = findTarget(tx, command.target);
  if (target === undefined) return answer([], tx.sequence());
  const held = leasesOfFence(tx, command.fence).filter((record) => isClaimed(record, tx.now));
  if (held.length > 0)
    return answer(
      held.map((record) => record.lease),
      tx.sequence(),
    );
  if (blockedUntil(target, tx.now) !== null) return answer([], tx.sequence());
  const limit = Math.min(command.limit, maxClaimRows);
  const chosen: Lease[] = [];
  const fallen: FellDue[] = [];
  for (const rank of [0, 1]) {
    if (chosen.length >= limit) break;
    for (const record of selectLeases(
      tx,
      "lease.target = ? AND lease.rank = ? AND lease.due_at IS NOT NULL AND lease.due_at <= ? ORDER BY lease.due_at, lease.key LIMIT ?",
      target.key,
      rank,
      tx.now,
      limit - chosen.length,
    ))
      chosen.push(claim(tx, record, command, fallen));
  }
  auditDueTogether(tx, fallen);
  if (chosen.length > 0) tx.touch();
  return answer(chosen, tx.sequence());
}

const leasesOfFence = (tx: Tx, fence: string): readonly LeaseRecord[] =>
  selectLeases(tx, "lease.fence = ? ORDER BY lease.key", fence);

/** What fell due by itself starts to die when it is first claimed; the measured time starts when it fell due. */
function claim(tx: Tx, record: LeaseRecord, command: ClaimDue, fallen: FellDue[]): Lease {
  const { lease } = record;
  const { fence } = command;
  const claimedUntil = addMillis(tx.now, command.claim);
  if (isDying(lease.state)) return storeClaim(tx, record, { fence, dueAt: claimedUntil }).lease;
  const orderedAt = dueAtOf(lease) ?? tx.now;
  const cause = lease.state.kind === "intended" ? "outcome_unknown" : "expiry";
  fallen.push({ lease, killCause: cause, dueAt: orderedAt });
  const dying = moved(lease, { kind: "due", cause, orderedAt, dueAt: claimedUntil }, tx.now);
  return storeLease(tx, record, { lease: dying, fence }).lease;
}

type VerdictConflict = FenceLost | NotFound | Suspended;

/** A claim that lapsed but that nobody took over still counts: a late verdict is better than none. */
export function recordVerdict(tx: Tx, command: RecordVerdict): Answer<Lease, VerdictConflict> {
  const { leaseId, fence, outcome } = command;
  const record = findLease(tx, leaseId);
  if (record === undefined) return conflict({ reason: "not_found" });
  if (record.judgedFence === fence && record.judgedSequence !== null)
    return answer(record.lease, record.judgedSequence);
  if (record.fence !== fence) return conflict({ reason: "fence_lost" });
  // Also where only a ledger that a wrong wall drove ahead would call it expired: the systems live by the right time.
  const isDoubtful = tx.clockSuspect || (mayExpire(record.lease, tx.now) && !mayExpire(record.lease, tx.wall));
  if (outcome.kind === "native_expiry" && isDoubtful) return conflict({ reason: "suspended", why: "clock_suspect" });
  const lease = moved(record.lease, eventOf(command), tx.now);
  const data = verdictData(lease, outcome);
  const { taskId } = lease;
  const judgedSequence = tx.audit({ type: verdictEntryType(lease.state), taskId, leaseId, cause: brokerCause, data });
  const stored = storeLease(tx, record, { lease, fence: null, judgedFence: fence, judgedSequence });
  if (!isDying(stored.lease.state)) endIfSpent(tx, record.taskKey);
  return answer(stored.lease, judgedSequence);
}

const eventOf = ({ outcome, jitter }: RecordVerdict): LeaseEvent =>
  outcome.kind === "native_expiry" ? { kind: "native_expiry" } : { kind: "verdict", verdict: outcome, jitter };

/** The verdict as it is believed, which can be less than was said. Reasons are the broker's own words, never the provider's. */
function verdictData({ state }: Lease, outcome: RecordVerdict["outcome"]): JsonObject {
  const verdict = state.kind === "revoked" ? state.verdict : outcome.kind;
  if (!("cause" in state)) return { verdict };
  const { cause, killOrderedAt } = state;
  const reason = "reason" in outcome ? outcome.reason : undefined;
  return { cause, kill_ordered_at: killOrderedAt, reason, verdict };
}

export function releaseClaim(tx: Tx, command: { fence: string }): Answer<{ released: number }, never> {
  const held = leasesOfFence(tx, command.fence);
  for (const record of held) {
    const dueAt = earliest(tx.now, dueAtOf(record.lease) ?? tx.now);
    storeClaim(tx, record, { fence: null, dueAt });
  }
  if (held.length > 0) tx.touch();
  return answer({ released: held.length }, tx.sequence());
}

/** For an engine whose one process is proven gone: what it held is due at once instead of when its claims lapse. */
export function releaseLostClaims(tx: Tx): Answer<{ released: number }, never> {
  const fences = tx.sql.all("SELECT DISTINCT fence FROM lease WHERE fence IS NOT NULL").map(([fence]) => text(fence));
  let released = 0;
  for (const fence of fences) {
    const answered = releaseClaim(tx, { fence });
    if (answered.kind === "ok") released += answered.value.released;
  }
  if (released > 0) tx.due(tx.now);
  return answer({ released }, tx.sequence());
}
