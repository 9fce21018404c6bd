/** The workforce of a broker that is alone: what is woken for is worked on right here. */
import { millis } from "../../kernel/time.ts";
import type { Work, Workforce } from "../../ports/workforce.ts";

export function createLocalWorkforce(): Workforce {
  let work: Work | null = null;
  return {
    isShared: false,
    // Nobody else changes the ledger: only a lost wake-up would wait.
    longestSleep: millis(10_000),
    wake: (target) => void work?.(target, () => {}),
    start: (given) => void (work = given),
    depths: () => Promise.resolve(new Map()),
    async stop() {
      work = null;
    },
  };
}
