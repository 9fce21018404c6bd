/** Moves one lease through the domain's transition function and tells the audit: what several verbs share. */
import type { Cause } from "../../domain/audit-entry.ts";
import { isDying, transition, type LeaseEvent } from "../../domain/lease-transition.ts";
import type { Dying, KillCause, Lease } from "../../domain/lease.ts";
import { earliest, type EpochMillis } from "../../kernel/time.ts";
import { storeLease, type LeaseRecord } from "./rows/lease-rows.ts";
import { dueAtOf } from "./rows/lease-state.ts";
import { brokerCause, type Tx } from "./tx.ts";

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
  const fell = moveToDue(tx, record, order);
  return fell === null ? null : auditDue(tx, fell, order.cause);
}

/** Without an entry, which the caller owes; null where nothing changed. */
export function moveToDue(tx: Tx, record: LeaseRecord, order: Omit<DueOrder, "cause">): FellDue | null {
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
  return { lease, killCause: state.cause, dueAt: state.dueAt };
}

/** An order over a kill under way can change no more than these. */
const saysTheSame = (before: Dying, after: Dying): boolean =>
  before.cause === after.cause && before.dueAt === after.dueAt && before.killOrderedAt === after.killOrderedAt;

/** A claim that lapsed holds nobody up: its lease is due again. */
export const isClaimed = (record: LeaseRecord, now: EpochMillis): boolean =>
  record.fence !== null && (dueAtOf(record.lease) ?? now) > now;

/** A lease that became due, for the audit. */
export interface FellDue {
  readonly lease: Lease;
  readonly killCause: KillCause;
  readonly dueAt: EpochMillis;
}

export function auditDue(tx: Tx, { lease, killCause, dueAt }: FellDue, cause: Cause): number {
  const { id: leaseId, taskId } = lease;
  return tx.audit({ type: "lease.due", taskId, leaseId, cause, data: { cause: killCause, due_at: dueAt } });
}

/** One entry for the leases of a task that fell due alike: a page of them would be most of the log. */
export function auditDueTogether(tx: Tx, fallen: readonly FellDue[]): void {
  const alike = Map.groupBy(fallen, ({ lease, killCause, dueAt }) => `${lease.taskId} ${killCause} ${dueAt}`);
  for (const [first, ...others] of alike.values()) {
    if (first === undefined) continue;
    if (others.length === 0) {
      auditDue(tx, first, brokerCause);
      continue;
    }
    const { lease, killCause, dueAt } = first;
    const leases = [first, ...others].map((one) => one.lease.id);
    const data = { cause: killCause, due_at: dueAt, leases };
    tx.audit({ type: "lease.due", taskId: lease.taskId, leaseId: null, cause: brokerCause, data });
  }
}
