/** The machine's clock, which can be set ahead: a deadline of minutes passes at a word, timers included. */
import type { Cancel, Clock } from "../../../src/kernel/clock.ts";
import { epochMillis } from "../../../src/kernel/time.ts";

export interface SteerableClock extends Clock {
  /** Wall and monotonic time move together, so that no clock looks suspect. */
  advance(millis: number): void;
}

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  handle: ReturnType<typeof setTimeout>;
}

export function createSteerableClock(): SteerableClock {
  let ahead = 0;
  const timers = new Set<Timer>();
  const monotonic = (): number => performance.now() + ahead;

  function arm(timer: Timer): void {
    timer.handle = setTimeout(
      () => {
        timers.delete(timer);
        timer.callback();
      },
      Math.max(0, timer.dueAt - monotonic()),
    );
  }

  return {
    now: () => epochMillis(Date.now() + ahead),
    monotonicMillis: monotonic,
    after(delay, callback): Cancel {
      const timer: Timer = { dueAt: monotonic() + delay, callback, handle: setTimeout(() => {}, 0) };
      clearTimeout(timer.handle);
      timers.add(timer);
      arm(timer);
      return () => {
        clearTimeout(timer.handle);
        timers.delete(timer);
      };
    },
    advance(millis) {
      ahead += millis;
      for (const timer of timers) {
        clearTimeout(timer.handle);
        arm(timer);
      }
    },
  };
}
