/** The workers' side of the kill path: claim what is due under a fence, and record what the provider said. */
import { verdictEntryType } from "../../domain/audit-entry.ts";
import type { Lease, LeaseState } from "../../domain/lease.ts";
import { isDying, mayExpire, type LeaseEvent } from "../../domain/lease-transition.ts";
import { maxClaimRows } from "../../kernel/limits.ts";
import { addMillis, earliest, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { ClaimDue, FenceLost, NotFound, RecordVerdict, Suspended } from "../../ports/ledger-commands.ts";
import { dueInstant, isClaimed, isDue, moved, recordDue } from "./lease-row.ts";
import { byItself, conflict, lastSequence, notFound, ok, record, touch, type Model } from "./model.ts";
import { byLeaseId } from "./standing.ts";
import type { LeaseRow } from "./state.ts";
import { blockedUntil } from "./targets.ts";
import { endIfSpent } from "./tasks.ts";

export function claimDue(model: Model, command: ClaimDue): Answer<readonly Lease[], never> {
  const now = model.time.now();
  const rows = [...model.state.leases.values()].filter((row) => row.lease.target === command.target);
  const held = rows.filter((row) => row.claim?.fence === command.fence && isClaimed(row, now));
  if (held.length > 0)
    return ok(
      held.map((row) => row.lease),
      lastSequence(model),
    );
  if (blockedUntil(model, command.target, now) !== null) return ok([], lastSequence(model));
  const chosen = rows
    .filter((row) => isDue(row, now))
    .toSorted(byUrgency)
    .slice(0, Math.min(command.limit, maxClaimRows))
    .map((row) => claimRow(model, row, command, now));
  if (chosen.length > 0) touch(model, now);
  return ok(chosen, lastSequence(model));
}

function byUrgency(left: LeaseRow, right: LeaseRow): number {
  const routineLast = Number(isRoutine(left.lease.state)) - Number(isRoutine(right.lease.state));
  const earliestFirst = (dueInstant(left.lease) ?? 0) - (dueInstant(right.lease) ?? 0);
  return routineLast || earliestFirst || byLeaseId(left, right);
}

const isRoutine = (state: LeaseState): boolean =>
  state.kind === "active" || (isDying(state) && state.cause === "expiry");

function claimRow(model: Model, row: LeaseRow, command: ClaimDue, now: EpochMillis): Lease {
  const { lease } = becomeDying(model, row, now);
  if (!isDying(lease.state)) throw new Error("a due lease is not dying");
  const claimed = { ...lease, state: { ...lease.state, dueAt: addMillis(now, command.claim) } };
  model.state.leases.set(lease.id, { ...row, lease: claimed, claim: { fence: command.fence }, judged: null });
  return claimed;
}

/** What fell due by itself starts to die when it is first claimed; the measured time starts when it fell due. */
function becomeDying(model: Model, row: LeaseRow, now: EpochMillis): LeaseRow {
  const { lease } = row;
  if (isDying(lease.state)) return row;
  const dueAt = dueInstant(lease) ?? now;
  const cause = lease.state.kind === "intended" ? "outcome_unknown" : "expiry";
  recordDue(model, lease, { cause, dueAt }, byItself, now);
  return moved(row, { kind: "due", cause, orderedAt: dueAt, dueAt }, now);
}

type VerdictConflict = FenceLost | NotFound | Suspended;

export function recordVerdict(model: Model, command: RecordVerdict): Answer<Lease, VerdictConflict> {
  const now = model.time.now();
  const { leaseId, fence, outcome } = command;
  const row = model.state.leases.get(leaseId);
  if (row === undefined) return notFound;
  if (row.judged?.fence === fence) return ok(row.lease, row.judged.sequence);
  if (row.claim?.fence !== fence) return conflict({ reason: "fence_lost" });
  const isDoubtful = model.time.isSuspect() || (mayExpire(row.lease, now) && !mayExpire(row.lease, model.time.wall()));
  if (outcome.kind === "native_expiry" && isDoubtful) return conflict({ reason: "suspended", why: "clock_suspect" });
  const judged = moved(row, eventOf(command), now);
  const { lease } = judged;
  // As it is believed, which can be less than was said.
  const verdict = lease.state.kind === "revoked" ? lease.state.verdict : outcome.kind;
  const draft = { taskId: lease.taskId, leaseId, cause: byItself, data: { verdict } };
  const sequence = record(model, { type: verdictEntryType(lease.state), ...draft }, now);
  model.state.leases.set(leaseId, { ...judged, claim: null, judged: { fence, sequence } });
  endIfSpent(model, lease.taskId, now);
  return ok(lease, sequence);
}

const eventOf = ({ outcome, jitter }: RecordVerdict): LeaseEvent =>
  outcome.kind === "native_expiry" ? { kind: "native_expiry" } : { kind: "verdict", verdict: outcome, jitter };

export function releaseClaim(model: Model, command: { fence: string }): Answer<{ released: number }, never> {
  const now = model.time.now();
  const held = [...model.state.leases.values()].filter((row) => row.claim?.fence === command.fence);
  for (const row of held) {
    const { state } = row.lease;
    if (!isDying(state)) throw new Error("a claimed lease is not dying");
    const lease = { ...row.lease, state: { ...state, dueAt: earliest(now, state.dueAt) } };
    model.state.leases.set(lease.id, { ...row, lease, claim: null });
  }
  if (held.length > 0) touch(model, now);
  return ok({ released: held.length }, lastSequence(model));
}
