/** Moves one lease through the transition function, with what every move brings along: claims, limits, wiped secrets. */
import { isLive, type KillCause, type Lease } from "../../domain/lease.ts";
import { isDying, transition, type LeaseEvent } from "../../domain/lease-transition.ts";
import { mintMarginMillis } from "../../kernel/limits.ts";
import { addMillis, earliest, type EpochMillis } from "../../kernel/time.ts";
import type { Cause } from "../../domain/audit-entry.ts";
import { record, type Model } from "./model.ts";
import { same } from "./same.ts";
import type { LeaseRow } from "./state.ts";

/** When a lease next needs a worker; null for a dead one. */
export function dueInstant(lease: Lease): EpochMillis | null {
  if (lease.state.kind === "intended") return addMillis(lease.mintAbortAt, mintMarginMillis);
  if (lease.state.kind === "active") return lease.expiresAt;
  return isDying(lease.state) ? lease.state.dueAt : null;
}

export function isDue(row: LeaseRow, now: EpochMillis): boolean {
  const at = dueInstant(row.lease);
  return at !== null && at <= now;
}

/** A claim that lapsed is none: its lease is due again. */
export const isClaimed = (row: LeaseRow, now: EpochMillis): boolean => row.claim !== null && !isDue(row, now);

/** The row after an event. A lease that dies frees its limits and loses its secret in the same write. */
export function moved(row: LeaseRow, event: LeaseEvent, now: EpochMillis): LeaseRow {
  const next = transition(row.lease, event, now);
  if (!next.ok) throw new Error(`no transition from ${next.fault.from} on ${next.fault.event}`);
  const state = next.value;
  if (isLive(state.kind)) return { ...row, lease: { ...row.lease, state } };
  return { ...row, lease: { ...row.lease, state, sealed: null }, counters: [], claim: null };
}

export interface DueOrder {
  readonly killCause: KillCause;
  readonly orderedAt: EpochMillis;
  readonly dueAt: EpochMillis;
  readonly endsBackoff?: boolean | undefined;
  readonly cause: Cause;
}

/** Makes a live lease due and records it; answers the entry's sequence, or null where nothing changed. */
export function makeRowDue(model: Model, row: LeaseRow, order: DueOrder, now: EpochMillis): number | null {
  const before = row.lease.state;
  const dueNow = dueInstant(row.lease);
  if (dueNow === null) return null;
  const { killCause, orderedAt, endsBackoff = false } = order;
  const dueAt = earliest(order.dueAt, dueNow);
  const next = moved(row, { kind: "due", cause: killCause, orderedAt, dueAt, endsBackoff }, now);
  let after = next.lease.state;
  if (!isDying(after)) throw new Error("a due lease is not dying");
  if (isClaimed(row, now)) after = { ...after, dueAt: dueNow };
  if (isDying(before) && same(before, after)) return null;
  model.state.leases.set(row.lease.id, { ...next, lease: { ...next.lease, state: after } });
  return recordDue(model, next.lease, after, order.cause, now);
}

type DueFacts = { readonly cause: KillCause; readonly dueAt: EpochMillis };

export function recordDue(model: Model, lease: Lease, facts: DueFacts, cause: Cause, now: EpochMillis): number {
  const data = { cause: facts.cause, due_at: facts.dueAt };
  return record(model, { type: "lease.due", taskId: lease.taskId, leaseId: lease.id, cause, data }, now);
}
