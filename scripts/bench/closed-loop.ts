/**
 * Closed loops of the load generator. Bodies are signed before a loop begins; there are enough for one half as fast again
 * as the fastest so far, and no more, because signing them takes longer than sending them.
 */
import type { LoadResult } from "./load-recipe.ts";
import type { Actor } from "./stage.ts";

export interface ClosedLoops {
  prepare(name: string, seconds: number): Promise<void>;
  run(name: string, seconds: number): Promise<LoadResult>;
}

const margin = 1.5;
const firstGuess = 6000;

export function createClosedLoops(load: Actor): ClosedLoops {
  const fastest = new Map<string, number>();
  return {
    prepare: (name, seconds) => load.ask("make", { name, count: (fastest.get(name) ?? firstGuess) * seconds * margin }),
    async run(name, seconds) {
      const result = await load.ask<LoadResult>("closed", { name, seconds });
      fastest.set(name, Math.max(result.perSecond, fastest.get(name) ?? 0));
      return result;
    },
  };
}
