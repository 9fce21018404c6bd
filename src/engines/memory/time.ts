/** The ledger's clock: the wall, never behind the last committed change, and suspect after a step against the monotonic one. */
import type { Clock } from "../../kernel/clock.ts";
import { maxClockStepMillis } from "../../kernel/limits.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { MemoryState } from "./state.ts";

export interface LedgerTime {
  now(): EpochMillis;
  isSuspect(): boolean;
  accept(): void;
}

export function createLedgerTime(clock: Clock, state: MemoryState): LedgerTime {
  const notBehind = (mark: number): EpochMillis => epochMillis(Math.max(mark, clock.now()));
  let latest = notBehind(state.lastChangeAt ?? 0);
  let reference = { wall: latest, monotonic: clock.monotonicMillis() };
  return {
    now: () => (latest = notBehind(latest)),
    isSuspect() {
      const expected = reference.wall + (clock.monotonicMillis() - reference.monotonic);
      return Math.abs(clock.now() - expected) > maxClockStepMillis;
    },
    accept() {
      reference = { wall: clock.now(), monotonic: clock.monotonicMillis() };
    },
  };
}
