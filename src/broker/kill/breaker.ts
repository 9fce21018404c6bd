/**
 * A circuit breaker per target, as a pure function. Open, it consumes no attempts: the leases keep their place. Its
 * state is stored in the ledger by the lane, so that a restart does not hammer a target that is down.
 */
import { addMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Breaker } from "../../ports/ledger-commands.ts";

export interface BreakerState {
  readonly breaker: Breaker;
  readonly consecutiveFaults: number;
  /** How often it opened since it was last closed: the pause doubles. */
  readonly opened: number;
}

export const closedBreaker: BreakerState = { breaker: { kind: "closed" }, consecutiveFaults: 0, opened: 0 };

/** Five in a row are an outage, not bad luck. */
const faultsToOpen = 5;
const firstPauseMillis = 2_000;
const maxPauseMillis = 60_000;

export function afterAttempt(
  state: BreakerState,
  attempt: { fault: boolean; reason: string },
  now: EpochMillis,
): BreakerState {
  if (!attempt.fault) return closedBreaker;
  const consecutiveFaults = state.consecutiveFaults + 1;
  const isOpenNow = state.breaker.kind === "open" && now < state.breaker.until;
  const wasOpen = state.breaker.kind === "open";
  if (isOpenNow || (consecutiveFaults < faultsToOpen && !wasOpen)) return { ...state, consecutiveFaults };
  const pause = Math.min(maxPauseMillis, firstPauseMillis * 2 ** Math.min(state.opened, 10));
  return {
    breaker: { kind: "open", until: addMillis(now, pause), reason: attempt.reason },
    consecutiveFaults,
    opened: state.opened + 1,
  };
}

/** Takes over what the ledger says: an operator or an earlier process may have changed it. */
export function sync(state: BreakerState, breaker: Breaker): BreakerState {
  return breaker.kind === "closed" && state.breaker.kind === "open" ? closedBreaker : { ...state, breaker };
}

/** Closed lets all through; open lets one try when its pause is over. */
export function allowed(state: BreakerState, now: EpochMillis): "many" | "one" | "none" {
  if (state.breaker.kind === "closed") return "many";
  return now < state.breaker.until ? "none" : "one";
}
