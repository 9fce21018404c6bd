/** The machine's own clock, for tests that talk to real servers. Its timers are not for waiting in tests. */
import type { Clock } from "../../src/kernel/clock.ts";
import { epochMillis } from "../../src/kernel/time.ts";

export const realClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonicMillis: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
};
