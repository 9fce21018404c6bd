/**
 * The breaker of one target as its lane holds it; what changes is stored in the ledger. A reading of the ledger that
 * began before the newest change of ours was stored is older than what is held here, and is not taken over.
 */
import type { TargetName } from "../../domain/names.ts";
import type { Breaker } from "../../ports/ledger-commands.ts";
import { brokerCause } from "../cause.ts";
import type { AttemptParts } from "./attempt.ts";
import { afterAttempt, allowed, closedBreaker, sync } from "./breaker.ts";
import type { KillAttempt } from "./kill-one.ts";

export interface TargetBreaker {
  /** Takes over the ledger's word: an operator or an earlier process may have changed it. */
  sync(reading: BreakerReading): void;
  allowed(): ReturnType<typeof allowed>;
  note(attempt: KillAttempt): Promise<void>;
}

export interface BreakerReading {
  readonly breaker: Breaker;
  /** The tick at which the ledger was asked. */
  readonly askedAt: number;
}

/** Counts up: which of a reading and a write came first. */
export type Tick = () => number;

export function createTargetBreaker(
  parts: Pick<AttemptParts, "ledger" | "ledgerNow" | "log">,
  target: TargetName,
  tick: Tick,
): TargetBreaker {
  let state = closedBreaker;
  /** When the newest change was stored; never yet while one is under way. */
  let storedAt = 0;
  let writes = 0;
  return {
    sync({ breaker, askedAt }) {
      if (askedAt > storedAt) state = sync(state, breaker);
    },
    allowed: () => allowed(state, parts.ledgerNow()),
    async note({ outcome, targetFault }) {
      const reason = "reason" in outcome ? outcome.reason : "";
      const before = state.breaker;
      state = afterAttempt(state, { fault: targetFault, reason }, parts.ledgerNow());
      if (state.breaker === before || (state.breaker.kind === "closed" && before.kind === "closed")) return;
      parts.log.warn("breaker", { target, state: state.breaker.kind, reason });
      const write = (writes += 1);
      storedAt = Infinity;
      try {
        await parts.ledger.setTarget({ target, breaker: state.breaker, paused: null, cause: brokerCause() });
      } finally {
        if (write === writes) storedAt = tick();
      }
    },
  };
}
