/**
 * Makes a copy of an old backup safe to run: everything in it may have gone on without it, so all tasks end and all
 * leases die before anything new is issued. The new generation closes the gate of every task at once; the kill order
 * is walked by the sweeper like any other.
 */
import type { Cause } from "../../../domain/audit-entry.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { insertOrder, wideRank } from "../rows/kill-order-rows.ts";
import { answer, type Tx } from "../tx.ts";

export interface RestoreStore {
  /** Of the store that is being replaced, 0 if there is none: the new one is above both. */
  readonly replacedGeneration: number;
  readonly cause: Cause;
}

export function restoreStore(tx: Tx, command: RestoreStore): Answer<{ generation: number }, never> {
  const { replacedGeneration, cause } = command;
  const generation = Math.max(tx.store.generation, replacedGeneration) + 1;
  tx.setStore({ ...tx.store, generation, restoring: true });
  const sequence = tx.audit({ type: "store.restored", taskId: null, leaseId: null, cause, data: { generation } });
  insertOrder(tx, { rank: wideRank, sequence, scope: "all", subjectKey: 0, cause: "restored", orderedAt: tx.now });
  return answer({ generation }, sequence);
}
