/** The breaker of one target as its lane holds it; what changes is stored in the ledger. */
import type { TargetName } from "../../domain/names.ts";
import type { Breaker } from "../../ports/ledger-commands.ts";
import { brokerCause } from "../cause.ts";
import type { AttemptParts } from "./attempt.ts";
import { afterAttempt, allowed, closedBreaker, sync } from "./breaker.ts";
import type { KillAttempt } from "./kill-one.ts";

export interface TargetBreaker {
  /** Takes over the ledger's word: an operator or an earlier process may have changed it. */
  sync(breaker: Breaker): void;
  allowed(): ReturnType<typeof allowed>;
  note(attempt: KillAttempt): Promise<void>;
}

export function createTargetBreaker(
  parts: Pick<AttemptParts, "ledger" | "ledgerNow" | "log">,
  target: TargetName,
): TargetBreaker {
  let state = closedBreaker;
  return {
    sync(breaker) {
      state = sync(state, breaker);
    },
    allowed: () => allowed(state, parts.ledgerNow()),
    async note({ outcome, targetFault }) {
      const reason = "reason" in outcome ? outcome.reason : "";
      const before = state.breaker;
      state = afterAttempt(state, { fault: targetFault, reason }, parts.ledgerNow());
      if (state.breaker === before || (state.breaker.kind === "closed" && before.kind === "closed")) return;
      parts.log.warn("breaker", { target, state: state.breaker.kind, reason });
      await parts.ledger.setTarget({ target, breaker: state.breaker, paused: null, cause: brokerCause() });
    },
  };
}
