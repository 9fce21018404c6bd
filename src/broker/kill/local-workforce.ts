/** The workforce of a broker that is alone: what is woken for is worked on right here. */
import type { Work, Workforce } from "../../ports/workforce.ts";

export function createLocalWorkforce(): Workforce {
  let work: Work | null = null;
  return {
    wake: (target) => void work?.(target, () => {}),
    start: (given) => void (work = given),
    async stop() {
      work = null;
    },
  };
}
