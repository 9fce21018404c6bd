/** Breaker and pause of a target. */
import type { ProviderName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { SetTarget } from "../../../ports/ledger-commands.ts";
import type { TargetState } from "../../../ports/ledger-views.ts";
import { insertOrder, isOrdered, resetRank } from "../rows/kill-order-rows.ts";
import { internTarget, storeTarget } from "../rows/target-rows.ts";
import { targetState } from "../target-work.ts";
import { answer, type Tx } from "../tx.ts";

/** Closing a breaker that was open, or a person's word, lets the sweeper reset the backoff of what failed meanwhile. */
export function setTarget(tx: Tx, command: SetTarget): Answer<TargetState, never> {
  const { target, cause } = command;
  const before = internTarget(tx, target, brand<ProviderName>(target.split("/")[0] ?? target));
  const breaker = command.breaker ?? before.breaker;
  const paused = command.paused ?? before.paused;
  const record = { ...before, breaker, paused, isSet: true };
  storeTarget(tx, record);
  tx.memo.delete(target);
  const data = { breaker: breaker.kind, paused, target };
  const sequence = tx.audit({ type: "target.changed", taskId: null, leaseId: null, cause, data });
  const scope = `target:${target}`;
  const isOwed = before.breaker.kind === "open" || command.resetBackoff === true;
  if (isOwed && breaker.kind === "closed" && !isOrdered(tx, scope))
    insertOrder(tx, {
      rank: resetRank,
      sequence,
      scope,
      subjectKey: record.key,
      cause: "requested",
      orderedAt: tx.now,
    });
  tx.due(tx.now);
  return answer(targetState(tx, record), sequence);
}
