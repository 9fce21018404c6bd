/** What became of a mint. The commit of `completeMint` is where a credential passes the gate or does not (promise P2). */
import type { Cause } from "../../../domain/audit-entry.ts";
import { awaitsOutcome, isDying } from "../../../domain/lease-transition.ts";
import type { Lease } from "../../../domain/lease.ts";
import { canonicalJson } from "../../../kernel/canonical-json.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import { addMillis, earliest, epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { CompleteMint, MakeDue, MintCompletion, NotFound, NotIntended } from "../../../ports/ledger-commands.ts";
import { gateBehind } from "../gate.ts";
import { auditDue, makeRecordDue, moved } from "../lease-moves.ts";
import { isKilledSince } from "../rows/kill-order-rows.ts";
import { findLease, storeLease, storeMinted, type LeaseRecord } from "../rows/lease-rows.ts";
import { taskOfKey } from "../rows/task-rows.ts";
import { endIfSpent } from "../task-ends.ts";
import { answer, conflict, type Tx } from "../tx.ts";

const notIntended = conflict({ reason: "not_intended" });

export function completeMint(tx: Tx, command: CompleteMint): Answer<MintCompletion, NotIntended> {
  const record = findLease(tx, command.leaseId);
  if (record === undefined) return notIntended;
  const { state } = record.lease;
  if (state.kind === "intended") return settle(tx, record, command);
  if (awaitsOutcome(state)) return settleLate(tx, record, command);
  return state.kind === "active" || isDying(state) ? repeatCompletion(record, command) : notIntended;
}

function settle(tx: Tx, record: LeaseRecord, command: CompleteMint): Answer<MintCompletion, never> {
  const { cause, rejectAs } = command;
  const lease = moved(withMint(tx, record.lease, command), { kind: "minted" }, tx.now);
  const { id: leaseId, taskId, handle, fingerprint } = lease;
  if (rejectAs === null && passesGate(tx, record)) {
    const data = { expires_at: lease.expiresAt, fingerprint, handle };
    const sequence = tx.audit({ type: "lease.activated", taskId, leaseId, cause, data });
    return store(tx, record, { ...record, lease, settledSequence: sequence }, "activated");
  }
  const killCause = rejectAs ?? "gate_closed";
  const closed = moved(lease, { kind: "due", cause: killCause, orderedAt: tx.now, dueAt: tx.now }, tx.now);
  const sequence = auditDue(tx, { lease: closed, killCause, dueAt: tx.now }, cause);
  return store(tx, record, { ...record, lease: closed, settledSequence: sequence }, "closed");
}

/**
 * While the disk is full nothing is delivered: the handle is stored, and the lease dies. So does one that a kill covers
 * whose door is open again: it would land behind the walk of that kill, which looks for it among the intents.
 */
function passesGate(tx: Tx, record: LeaseRecord): boolean {
  const task = taskOfKey(tx, record.taskKey);
  if (task === undefined) throw new Error("a lease outlived its task");
  const { doorKeys } = record.standing;
  if (tx.suspended === "disk_full" || gateBehind(tx, task, doorKeys).kind === "closed") return false;
  return !isKilledSince(tx, doorKeys, record.intentSequence);
}

/** The attempt under way knows no handle, so its word must not end the lease: it loses its claim. */
function settleLate(tx: Tx, record: LeaseRecord, command: CompleteMint): Answer<MintCompletion, never> {
  const lease = moved(withMint(tx, record.lease, command), { kind: "minted" }, tx.now);
  if (!isDying(lease.state)) throw new Error("a late mint is not dying");
  const settledSequence = auditDue(tx, { lease, killCause: lease.state.cause, dueAt: tx.now }, command.cause);
  return store(tx, record, { ...record, lease, settledSequence, fence: null }, "closed");
}

function store(
  tx: Tx,
  before: LeaseRecord,
  next: LeaseRecord & { readonly settledSequence: number },
  outcome: MintCompletion["outcome"],
): Answer<MintCompletion, never> {
  const { lease } = storeMinted(tx, before, next);
  return answer({ outcome, lease }, next.settledSequence);
}

/** What the provider said, dated by a wall that just stepped, is no end to rely on: then the intent's own latest stands. */
function withMint(tx: Tx, lease: Lease, command: CompleteMint): Lease {
  const { handle, sealed, fingerprint, provenAlive } = command;
  const expiresAt = earliest(lease.expiresAt, command.expiresAt);
  const latest = Math.max(lease.nativeExpiresAt, command.nativeExpiresAt);
  const nativeExpiresAt = tx.clockSuspect ? epochMillis(latest) : command.nativeExpiresAt;
  return { ...lease, handle, sealed, fingerprint, provenAlive, nativeExpiresAt, expiresAt };
}

function repeatCompletion(record: LeaseRecord, command: CompleteMint): Answer<MintCompletion, NotIntended> {
  const { lease, settledSequence } = record;
  const isRepeat =
    lease.sealed === command.sealed &&
    lease.fingerprint === command.fingerprint &&
    canonicalJson(lease.handle) === canonicalJson(command.handle);
  if (settledSequence === null || !isRepeat) return notIntended;
  const outcome = lease.state.kind === "active" ? "activated" : "closed";
  if (outcome === "activated" && command.rejectAs !== null) return notIntended;
  return answer({ outcome, lease }, settledSequence);
}

interface FailMint {
  readonly leaseId: LeaseId;
  readonly reason: string;
  readonly cause: Cause;
}

export function failMint(tx: Tx, command: FailMint): Answer<void, NotIntended> {
  const { leaseId, reason, cause } = command;
  const record = findLease(tx, leaseId);
  if (record === undefined) return notIntended;
  const { state } = record.lease;
  if (state.kind === "mint_failed" && record.settledSequence !== null) return answer(undefined, record.settledSequence);
  if (state.kind !== "intended" && !awaitsOutcome(state)) return notIntended;
  const lease = moved(record.lease, { kind: "mint_rejected", reason }, tx.now);
  const { taskId } = lease;
  const settledSequence = tx.audit({ type: "lease.mint_failed", taskId, leaseId, cause, data: { reason } });
  storeLease(tx, record, { lease, settledSequence });
  endIfSpent(tx, record.taskKey);
  return answer(undefined, settledSequence);
}

/** Never postpones: the earlier of the delay's end and what was due before counts. */
export function makeDue(tx: Tx, command: MakeDue): Answer<Lease, NotFound> {
  const record = findLease(tx, command.leaseId);
  if (record === undefined) return conflict({ reason: "not_found" });
  const { killCause, endsBackoff, cause } = command;
  const order = { killCause, orderedAt: tx.now, dueAt: addMillis(tx.now, command.delay), endsBackoff, cause };
  const sequence = makeRecordDue(tx, record, order);
  return answer(findLease(tx, command.leaseId)?.lease ?? record.lease, sequence ?? tx.sequence());
}
