/** Moves one lease through the domain's transition function and tells the audit: what several verbs share. */
import type { Cause } from "../../domain/audit-entry.ts";
import { isDying, transition, type LeaseEvent } from "../../domain/lease-transition.ts";
import type { Dying, KillCause, Lease } from "../../domain/lease.ts";
import { earliest, type EpochMillis } from "../../kernel/time.ts";
import { storeLease, type LeaseRecord } from "./rows/lease-rows.ts";
import { dueAtOf } from "./rows/lease-state.ts";
import type { Tx } from "./tx.ts";

/** The lease after an event that must be possible here; anything else is a bug of the caller. */
export function moved(lease: Lease, event: LeaseEvent, now: EpochMillis): Lease {
  const next = transition(lease, event, now);
  if (!next.ok) throw new Error(`no transition from ${next.fault.from} on ${next.fault.event}`);
  return { ...lease, state: next.value };
}

export interface DueOrder {
  readonly killCause: KillCause;
  readonly orderedAt: EpochMillis;
  readonly dueAt: EpochMillis;
  readonly endsBackoff?: boolean | undefined;
  readonly cause: Cause;
}

/** Makes a live lease due; answers the sequence of its entry, or null where nothing changed. */
export function makeRecordDue(tx: Tx, record: LeaseRecord, order: DueOrder): number | null {
  const { lease } = record;
  const dueNow = dueAtOf(lease);
  if (dueNow === null) return null;
  const { killCause, orderedAt, endsBackoff = false } = order;
  const dueAt = earliest(order.dueAt, dueNow);
  const next = moved(lease, { kind: "due", cause: killCause, orderedAt, dueAt, endsBackoff }, tx.now);
  if (!isDying(next.state)) throw new Error("a due lease is not dying");
  const state = isClaimed(record, tx.now) ? { ...next.state, dueAt: dueNow } : next.state;
  const before = lease.state;
  if (isDying(before) && saysTheSame(before, state)) return null;
  storeLease(tx, record, { lease: { ...lease, state } });
  return auditDue(tx, lease, { killCause: state.cause, dueAt: state.dueAt }, order.cause);
}

/** An order over a kill under way can change no more than these. */
const saysTheSame = (before: Dying, after: Dying): boolean =>
  before.cause === after.cause && before.dueAt === after.dueAt && before.killOrderedAt === after.killOrderedAt;

/** A claim that lapsed holds nobody up: its lease is due again. */
export const isClaimed = (record: LeaseRecord, now: EpochMillis): boolean =>
  record.fence !== null && (dueAtOf(record.lease) ?? now) > now;

export function auditDue(
  tx: Tx,
  lease: Lease,
  facts: { readonly killCause: KillCause; readonly dueAt: EpochMillis },
  cause: Cause,
): number {
  const { id: leaseId, taskId } = lease;
  return tx.audit({ type: "lease.due", taskId, leaseId, cause, data: { cause: facts.killCause, due_at: facts.dueAt } });
}
