/**
 * The ledger's clock: the wall, never behind the last committed change, and suspect after a step against the monotonic
 * one. A wall that is far behind does not stop it: then it goes on at the monotonic pace, or no deadline would pass.
 */
import type { Clock } from "../../kernel/clock.ts";
import { maxClockStepMillis } from "../../kernel/limits.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { MemoryState } from "./state.ts";

export interface LedgerTime {
  now(): EpochMillis;
  wall(): EpochMillis;
  isSuspect(): boolean;
  accept(): void;
}

export function createLedgerTime(clock: Clock, state: MemoryState): LedgerTime {
  let latest = epochMillis(Math.max(state.lastChangeAt ?? 0, clock.now()));
  let latestMonotonic = clock.monotonicMillis();
  let reference = { wall: latest, monotonic: latestMonotonic };
  return {
    now() {
      const [wall, monotonic] = [clock.now(), clock.monotonicMillis()];
      const isFarBehind = latest - wall > maxClockStepMillis;
      latest = epochMillis(Math.max(wall, isFarBehind ? latest + monotonic - latestMonotonic : latest));
      latestMonotonic = monotonic;
      return latest;
    },
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
