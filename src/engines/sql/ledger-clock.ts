/**
 * The ledger's clock: the wall, never behind what was committed. A wall that stepped away from the monotonic clock is
 * suspect until it is back or an operator accepts it. Behind by more than a small step, time goes on at the monotonic
 * pace instead of standing still: a frozen clock would let no deadline pass.
 */
import type { Clock } from "../../kernel/clock.ts";
import { maxClockStepMillis } from "../../kernel/limits.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";

export interface LedgerClock {
  now(): EpochMillis;
  wall(): EpochMillis;
  isSuspect(): boolean;
  /** Takes the present wall as right. */
  accept(): void;
}

export function createLedgerClock(clock: Clock, highWater: number): LedgerClock {
  let latest = Math.max(highWater, clock.now());
  let latestMonotonic = clock.monotonicMillis();
  let reference = { wall: latest, monotonic: latestMonotonic };

  function now(): EpochMillis {
    const wall = clock.now();
    const monotonic = clock.monotonicMillis();
    const elapsed = Math.max(0, Math.trunc(monotonic - latestMonotonic));
    if (wall >= latest) latest = wall;
    else if (latest - wall > maxClockStepMillis) latest += elapsed;
    // Parts of a millisecond are kept for the next look, or many looks would make time stand still. Where the runtime has no
    // clock but the wall, both step back together: time goes on from there.
    const startsAnew = wall >= latest || monotonic < latestMonotonic;
    latestMonotonic = startsAnew ? monotonic : latestMonotonic + elapsed;
    return epochMillis(latest);
  }

  return {
    now,
    wall: () => clock.now(),
    isSuspect() {
      const expected = reference.wall + (clock.monotonicMillis() - reference.monotonic);
      return Math.abs(clock.now() - expected) > maxClockStepMillis;
    },
    accept() {
      reference = { wall: clock.now(), monotonic: clock.monotonicMillis() };
    },
  };
}
