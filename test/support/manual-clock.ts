/** A clock that only moves when a test moves it. Timers fire inside `advance`, in order, each at its own instant. */
import type { Cancel, Clock } from "../../src/kernel/clock.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";

export interface ManualClock extends Clock {
  /** Moves wall and monotonic time together and fires what falls due on the way. */
  advance(span: number): void;
  /** Moves the wall alone, back for a negative span: what an operator or a broken time server does to a host. */
  jumpWall(span: number): void;
}

interface Timer {
  readonly dueAtMonotonic: number;
  readonly callback: () => void;
}

/** 2 November 2026, 09:00:00 UTC: a whole minute, so that fixed windows of a minute start with the test. */
export const defaultStart = epochMillis(Date.UTC(2026, 10, 2, 9));

export function createManualClock(startAt: EpochMillis = defaultStart): ManualClock {
  let wall: number = startAt;
  let monotonic = 0;
  const timers = new Set<Timer>();

  const move = (span: number): void => {
    wall += span;
    monotonic += span;
  };
  const nextDueBy = (limit: number): Timer | undefined =>
    [...timers]
      .filter((timer) => timer.dueAtMonotonic <= limit)
      .toSorted((left, right) => left.dueAtMonotonic - right.dueAtMonotonic)[0];

  return {
    now: () => epochMillis(wall),
    monotonicMillis: () => monotonic,
    after(delay, callback): Cancel {
      const timer: Timer = { dueAtMonotonic: monotonic + Math.max(0, delay), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(span) {
      if (span < 0) throw new Error("time does not run backwards; use jumpWall");
      const end = monotonic + span;
      for (let timer = nextDueBy(end); timer !== undefined; timer = nextDueBy(end)) {
        timers.delete(timer);
        move(Math.max(0, timer.dueAtMonotonic - monotonic));
        timer.callback();
      }
      move(end - monotonic);
    },
    jumpWall(span) {
      wall += span;
    },
  };
}
