/** Takes a death back that was found undone. Counters, secret and idempotency key stay gone; the time of death is told. */
import { isDying } from "../../../domain/lease-transition.ts";
import type { Lease } from "../../../domain/lease.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { NotFound, NotRevoked, ReopenLease } from "../../../ports/ledger-commands.ts";
import { moved } from "../lease-moves.ts";
import { findLease, storeLease } from "../rows/lease-rows.ts";
import { answer, conflict, type Tx } from "../tx.ts";

export function reopenLease(tx: Tx, { leaseId, reason, cause }: ReopenLease): Answer<Lease, NotFound | NotRevoked> {
  const record = findLease(tx, leaseId);
  if (record === undefined) return conflict({ reason: "not_found" });
  const { state, taskId } = record.lease;
  if (isDying(state)) return answer(record.lease, tx.sequence());
  if (state.kind !== "revoked") return conflict({ reason: "not_revoked" });
  const lease = moved(record.lease, { kind: "reopened" }, tx.now);
  const data = { dead_at: state.deadAt, reason, verdict: state.verdict };
  const sequence = tx.audit({ type: "lease.reopened", taskId, leaseId, cause, data });
  return answer(storeLease(tx, record, { lease, judgedFence: null, judgedSequence: null }).lease, sequence);
}
