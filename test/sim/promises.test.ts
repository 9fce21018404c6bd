/**
 * The real broker on the real SQL engine over virtual time, with seeded faults of store, systems, clock and process.
 * Every promise is checked after each step. Run i of a test has the seed MAYFLY_SEED + i; a failing one is shrunk and
 * printed with the command that repeats it.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { BoundPolicy } from "../../src/policy/resources.ts";
import { readRuns, readSeed } from "../support/seed.ts";
import { createSqliteStorage } from "../support/sim/engine.ts";
import { loadSimPolicy } from "../support/sim/people.ts";
import { runPlan, type RunFigures } from "../support/sim/run.ts";
import { planArbitrary, type Plan } from "../support/sim/steps.ts";
import { tellFigures, tellPlan } from "../support/sim/tell.ts";

const isQuick = process.env["MAYFLY_TEST_QUICK"] === "1";
const runs = readRuns("MAYFLY_SIM_RUNS", isQuick ? 200 : 2_000);
const firstSeed = readSeed();
/** Found a fault once: played again each time. */
const oldFinds = [1_561_435_501, 1_964_286_225, 2_037_479_633];
/** Of a failing run: each candidate is a whole run, and a long shrink helps nobody. */
const longestShrinkMillis = 30_000;
const longestMillis = 20 * 60_000;

describe("promises under faults", () => {
  let policy: BoundPolicy;
  beforeAll(async () => {
    policy = await loadSimPolicy();
  });

  const play = (plan: Plan): Promise<RunFigures> => runPlan(plan, policy, createSqliteStorage());

  it(
    `keeps P1-P5, P7, P8, limits, idempotency and replay over ${runs} seeded runs`,
    async () => {
      const figures: RunFigures[] = [];
      const seeds = [...oldFinds, ...Array.from({ length: runs }, (_, index) => firstSeed + index)];
      for (const seed of seeds) {
        const [plan] = fc.sample(planArbitrary, { seed, numRuns: 1 });
        if (plan === undefined) throw new Error("fast-check drew nothing");
        try {
          figures.push(await play(plan));
        } catch (error) {
          await explain(play, seed, error);
        }
      }
      tellFigures(figures);
      // The canary reached agents and systems, or its absence elsewhere would prove nothing.
      const isMany = runs > 20;
      const happened = (count: (run: (typeof figures)[number]) => number): boolean =>
        !isMany || figures.some((run) => count(run) > 0);
      expect([happened((run) => run.delivered), happened((run) => run.used), happened((run) => run.crashes)]).toEqual([
        true,
        true,
        true,
      ]);
    },
    longestMillis,
  );
});

async function explain(play: (plan: Plan) => Promise<unknown>, seed: number, error: unknown): Promise<never> {
  const property = fc.asyncProperty(planArbitrary, async (plan) => void (await play(plan)));
  const shrunk = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: longestShrinkMillis,
    markInterruptAsFailure: false,
  });
  const [plan] = shrunk.counterexample ?? [];
  const reason = shrunk.errorInstance ?? error;
  const text = reason instanceof Error ? reason.message : String(reason);
  const repeat = `MAYFLY_SEED=${seed} MAYFLY_SIM_RUNS=1 npm test -- --only sim`;
  throw new Error(`${text}\n\n${plan === undefined ? "" : tellPlan(plan)}\nrepeat with: ${repeat}`, { cause: error });
}
