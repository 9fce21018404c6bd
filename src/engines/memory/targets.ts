/** Targets: breaker and pause, what is due on each, and whether a kill could get through. */
import { isDenied } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { ProviderName, TargetName } from "../../domain/names.ts";
import { brand } from "../../kernel/brand.ts";
import { maxKillDelayMillis, maxRetryMillis } from "../../kernel/limits.ts";
import { addMillis, epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Breaker, SetTarget } from "../../ports/ledger-commands.ts";
import type { TargetState } from "../../ports/ledger-views.ts";
import { dueInstant, isClaimed, isDue } from "./lease-row.ts";
import { ok, record, type Model } from "./model.ts";
import type { LeaseRow, TargetRow } from "./state.ts";

const untouched: TargetRow = { breaker: { kind: "closed" }, paused: false, resetting: false };

const rowOf = (model: Model, target: TargetName): TargetRow => model.state.targets.get(target) ?? untouched;

export const breakerOf = (model: Model, target: TargetName): Breaker => rowOf(model, target).breaker;

/** Far beyond any due instant: a pause ends by an operator only. */
const untilResumed = epochMillis(Number.MAX_SAFE_INTEGER);

/** Until when no kill of the target may be tried; null when it may now. */
export function blockedUntil(model: Model, target: TargetName, now: EpochMillis): EpochMillis | null {
  const { paused, breaker } = rowOf(model, target);
  if (paused) return untilResumed;
  return breaker.kind === "open" && now < breaker.until ? breaker.until : null;
}

/**
 * Never mint what cannot be killed. After `until` an open breaker lets kills through, mints only once it is closed; or
 * when the longest backoff has passed too, for then nothing was left to kill that could close it.
 */
export function isKillPathBroken(model: Model, target: TargetName, now: EpochMillis): boolean {
  const { paused, breaker } = rowOf(model, target);
  if (paused || (breaker.kind === "open" && now < addMillis(breaker.until, maxRetryMillis))) return true;
  const { oldestDueAt } = targetState(model, target, now);
  return oldestDueAt !== null && now > addMillis(oldestDueAt, maxKillDelayMillis);
}

export function setTarget(model: Model, command: SetTarget): Answer<TargetState, never> {
  const now = model.time.now();
  const { target, cause } = command;
  const before = rowOf(model, target);
  const breaker = command.breaker ?? before.breaker;
  const paused = command.paused ?? before.paused;
  const isOwed = before.breaker.kind === "open" || before.resetting || command.resetBackoff === true;
  const resetting = breaker.kind === "closed" && isOwed;
  model.state.targets.set(target, { breaker, paused, resetting });
  const data = { target, breaker: breaker.kind, paused };
  const sequence = record(model, { type: "target.changed", taskId: null, leaseId: null, cause, data }, now);
  return ok(targetState(model, target, now), sequence);
}

/** Whether a closed breaker still owes this lease its reset. */
export function awaitsReset(model: Model, row: LeaseRow, now: EpochMillis): boolean {
  const { target, state } = row.lease;
  if (!rowOf(model, target).resetting || isClaimed(row, now)) return false;
  return state.kind === "revoking" && state.lastVerdict === "retry" && (state.attempts > 0 || state.dueAt > now);
}

export function listTargets(model: Model): readonly TargetState[] {
  const now = model.time.now();
  const names = new Set(model.state.targets.keys());
  for (const { lease, isDeniable } of model.state.leases.values())
    if (dueInstant(lease) !== null || (isDeniable && isDenied(lease, now))) names.add(lease.target);
  return [...names].toSorted().map((target) => targetState(model, target, now));
}

function targetState(model: Model, target: TargetName, now: EpochMillis): TargetState {
  const { breaker, paused } = rowOf(model, target);
  const live = [...model.state.leases.values()].filter(
    (row) => row.lease.target === target && dueInstant(row.lease) !== null,
  );
  const due = live.filter((row) => isDue(row, now));
  return {
    target,
    provider: providerOf(target),
    breaker,
    paused,
    due: due.length,
    oldestDueAt: oldest(due),
    claimed: live.filter((row) => isClaimed(row, now)).length,
    stuck: live.filter((row) => row.lease.state.kind === "stuck").length,
  };
}

export function oldest(rows: readonly { readonly lease: Lease }[]): EpochMillis | null {
  const instants = rows.map((row) => dueInstant(row.lease)).filter((at) => at !== null);
  return instants.length === 0 ? null : epochMillis(Math.min(...instants));
}

const providerOf = (target: TargetName): ProviderName => brand<ProviderName>(target.split("/")[0] ?? target);
