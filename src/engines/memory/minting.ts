/** What became of a mint. The commit of `completeMint` is where a credential gets through the gate or does not (P2). */
import type { Cause } from "../../domain/audit-entry.ts";
import { isLive, type Lease } from "../../domain/lease.ts";
import { awaitsOutcome, isDying } from "../../domain/lease-transition.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { addMillis, earliest, epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { CompleteMint, MakeDue, MintCompletion, NotFound, NotIntended } from "../../ports/ledger-commands.ts";
import { makeRowDue, moved, recordDue } from "./lease-row.ts";
import { conflict, lastSequence, notFound, ok, record, type Model } from "./model.ts";
import { same } from "./same.ts";
import { leaseGate, scopeHits, taskOf } from "./standing.ts";
import type { LeaseRow } from "./state.ts";
import { endIfSpent } from "./tasks.ts";

const notIntended = conflict({ reason: "not_intended" });

export function completeMint(model: Model, command: CompleteMint): Answer<MintCompletion, NotIntended> {
  const now = model.time.now();
  const row = model.state.leases.get(command.leaseId);
  if (row === undefined) return notIntended;
  const { state } = row.lease;
  if (state.kind === "intended") return settle(model, row, command, now);
  if (awaitsOutcome(state)) return settleLate(model, row, command, now);
  return isLive(state.kind) ? repeatCompletion(row, command) : notIntended;
}

function settle(model: Model, row: LeaseRow, command: CompleteMint, now: EpochMillis): Answer<MintCompletion, never> {
  const { cause, rejectAs } = command;
  const minted = moved({ ...row, lease: withMint(model, row.lease, command) }, { kind: "minted" }, now);
  const { lease } = minted;
  const gate = leaseGate(model, lease, taskOf(model.state, lease), now);
  if (gate.kind === "open" && !isKilled(model, row) && rejectAs === null) {
    const data = { handle: lease.handle, fingerprint: lease.fingerprint, expires_at: lease.expiresAt };
    const draft = { type: "lease.activated", taskId: lease.taskId, leaseId: lease.id, cause, data } as const;
    return store(model, minted, record(model, draft, now), "activated");
  }
  const killCause = rejectAs ?? "gate_closed";
  const closed = moved(minted, { kind: "due", cause: killCause, orderedAt: now, dueAt: now }, now);
  const sequence = recordDue(model, closed.lease, { cause: killCause, dueAt: now }, cause, now);
  return store(model, closed, sequence, "closed");
}

/** The door of a kill that covers it may be open again; the kill still stands. */
const isKilled = ({ state }: Model, row: LeaseRow): boolean =>
  state.killOrders.some((order) => row.intendedSequence < order.sequence && scopeHits(state, order.scope, row));

/** The attempt under way knows no handle, so its word must not end the lease: it loses its claim. */
function settleLate(
  model: Model,
  row: LeaseRow,
  command: CompleteMint,
  now: EpochMillis,
): Answer<MintCompletion, never> {
  const late = moved({ ...row, lease: withMint(model, row.lease, command), claim: null }, { kind: "minted" }, now);
  if (!isDying(late.lease.state)) throw new Error("a late mint is not dying");
  const { cause } = late.lease.state;
  const sequence = recordDue(model, late.lease, { cause, dueAt: now }, command.cause, now);
  return store(model, late, sequence, "closed");
}

function store(
  model: Model,
  row: LeaseRow,
  sequence: number,
  outcome: MintCompletion["outcome"],
): Answer<MintCompletion, never> {
  model.state.leases.set(row.lease.id, { ...row, settledSequence: sequence });
  return ok({ outcome, lease: row.lease }, sequence);
}

/** What the provider said, dated by a wall that just stepped, is no end to rely on: then the intent's own latest stands. */
function withMint(model: Model, lease: Lease, command: CompleteMint): Lease {
  const { handle, sealed, fingerprint, provenAlive } = command;
  const expiresAt = earliest(lease.expiresAt, command.expiresAt);
  const latest = Math.max(lease.nativeExpiresAt, command.nativeExpiresAt);
  const nativeExpiresAt = model.time.isSuspect() ? epochMillis(latest) : command.nativeExpiresAt;
  return { ...lease, handle, sealed, fingerprint, provenAlive, nativeExpiresAt, expiresAt };
}

function repeatCompletion(row: LeaseRow, command: CompleteMint): Answer<MintCompletion, NotIntended> {
  const { lease, settledSequence } = row;
  const { handle, sealed, fingerprint } = lease;
  const asked = { handle: command.handle, sealed: command.sealed, fingerprint: command.fingerprint };
  if (settledSequence === null || !same({ handle, sealed, fingerprint }, asked)) return notIntended;
  const outcome = lease.state.kind === "active" ? "activated" : "closed";
  if (outcome === "activated" && command.rejectAs !== null) return notIntended;
  return ok({ outcome, lease }, settledSequence);
}

type FailMint = { readonly leaseId: LeaseId; readonly reason: string; readonly cause: Cause };

export function failMint(model: Model, command: FailMint): Answer<void, NotIntended> {
  const now = model.time.now();
  const { leaseId, reason, cause } = command;
  const row = model.state.leases.get(leaseId);
  if (row === undefined) return notIntended;
  const { state } = row.lease;
  if (state.kind === "mint_failed" && row.settledSequence !== null) return ok(undefined, row.settledSequence);
  if (state.kind !== "intended" && !awaitsOutcome(state)) return notIntended;
  const failed = moved(row, { kind: "mint_rejected", reason }, now);
  const { taskId } = failed.lease;
  const sequence = record(model, { type: "lease.mint_failed", taskId, leaseId, cause, data: { reason } }, now);
  model.state.leases.set(leaseId, { ...failed, settledSequence: sequence });
  endIfSpent(model, taskId, now);
  return ok(undefined, sequence);
}

export function makeDue(model: Model, command: MakeDue): Answer<Lease, NotFound> {
  const now = model.time.now();
  const row = model.state.leases.get(command.leaseId);
  if (row === undefined) return notFound;
  const { killCause, endsBackoff, cause } = command;
  const order = { killCause, orderedAt: now, dueAt: addMillis(now, command.delay), endsBackoff, cause };
  const sequence = makeRowDue(model, row, order, now);
  const lease = model.state.leases.get(command.leaseId)?.lease ?? row.lease;
  return ok(lease, sequence ?? lastSequence(model));
}
