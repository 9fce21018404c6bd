/**
 * The strongest part of the kit: random runs on the engine and on the model in lockstep, with time passing, restarts,
 * kills, late completions and lapsing claims. A failure prints its seed and shrinks to a few steps.
 * MAYFLY_KIT_RUNS sets how many.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRuns, readSeed } from "../../support/seed.ts";
import type { MakeHarness } from "./harness.ts";
import { makeMemoryHarness } from "./memory-harness.ts";
import { createPair, expectSame, expectSameStory } from "./lockstep-pair.ts";
import { runStep } from "./lockstep-run.ts";
import { anySteps, type Step } from "./lockstep-steps.ts";
import { createRun } from "./lockstep-world.ts";

/** Shrinking on a slow disk ends here with the shortest run found so far; an honest run takes a tenth of it. */
const searchMillisPerRun = 1000;

/** Enough for an engine with rules of its own. */
export const usualLockstepRuns = 200;

export function describeLockstep(make: MakeHarness, runs: number): void {
  describe("lockstep with the model", () => {
    const numRuns = readRuns("MAYFLY_KIT_RUNS", runs);
    const searchMillis = numRuns * searchMillisPerRun;
    it(`agrees in ${numRuns} random runs`, { timeout: searchMillis + 60_000 }, async () => {
      expect.hasAssertions();
      const property = fc.asyncProperty(anySteps, (steps) => runInLockstep(make, steps));
      await fc.assert(property, {
        numRuns,
        seed: readSeed(),
        interruptAfterTimeLimit: searchMillis,
        markInterruptAsFailure: true,
      });
    });
  });
}

async function runInLockstep(make: MakeHarness, steps: readonly Step[]): Promise<void> {
  const [engine, model] = [await make(), await makeMemoryHarness()];
  try {
    const pair = createPair(engine, model);
    const run = createRun(pair);
    for (const [index, step] of steps.entries()) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one step after the other is the point
        await runStep(run, step);
        // oxlint-disable-next-line no-await-in-loop -- as above
        await expectSame(pair, run.known);
      } catch (fault) {
        throw new Error(`step ${index} ${JSON.stringify(step)}: ${fault instanceof Error ? fault.message : "threw"}`, {
          cause: fault,
        });
      }
    }
    await expectSameStory(pair, run.known);
  } finally {
    await engine.close();
    await model.close();
  }
}
