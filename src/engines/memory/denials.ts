/** Room that a provider's deny list has: what takes it, what the list must hold, and a death that was found undone. */
import { isLive, type Lease } from "../../domain/lease.ts";
import { isDenied, isDying } from "../../domain/lease-transition.ts";
import type { TargetName } from "../../domain/names.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { NotFound, NotRevoked, ReopenLease } from "../../ports/ledger-commands.ts";
import { moved } from "./lease-row.ts";
import { conflict, lastSequence, notFound, ok, record, type Model } from "./model.ts";
import { pageOf } from "./reading.ts";
import type { LeaseRow } from "./state.ts";

export function isFull(model: Model, target: TargetName, capacity: number, now: EpochMillis): boolean {
  const takers = [...model.state.leases.values()].filter((row) => row.lease.target === target && takesRoom(row, now));
  return takers.length >= capacity;
}

/** Also before its kill: each live one may have to be denied. */
const takesRoom = ({ isDeniable, lease }: LeaseRow, now: EpochMillis): boolean =>
  isDeniable && (isLive(lease.state.kind) || isDenied(lease, now));

export function listDenied(
  model: Model,
  query: { readonly target: TargetName; readonly after: LeaseId | null; readonly limit: number },
): readonly Lease[] {
  const now = model.time.now();
  const rows = [...model.state.leases.values()].filter(
    ({ isDeniable, lease }) => isDeniable && lease.target === query.target && isDenied(lease, now),
  );
  return pageOf(rows, query);
}

export function reopenLease(model: Model, command: ReopenLease): Answer<Lease, NotFound | NotRevoked> {
  const now = model.time.now();
  const { leaseId, reason, cause } = command;
  const row = model.state.leases.get(leaseId);
  if (row === undefined) return notFound;
  if (isDying(row.lease.state)) return ok(row.lease, lastSequence(model));
  if (row.lease.state.kind !== "revoked") return conflict({ reason: "not_revoked" });
  const { verdict, deadAt } = row.lease.state;
  const reopened = { ...moved(row, { kind: "reopened" }, now), judged: null };
  const { taskId } = row.lease;
  const data = { dead_at: deadAt, reason, verdict };
  const sequence = record(model, { type: "lease.reopened", taskId, leaseId, cause, data }, now);
  model.state.leases.set(leaseId, reopened);
  return ok(reopened.lease, sequence);
}
