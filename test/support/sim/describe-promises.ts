/**
 * The real broker on a real engine over virtual time, with seeded faults of store, systems, clock and process. Every
 * promise is checked after each step. Run i of a test has the seed MAYFLY_SEED + i; a failing one is shrunk and printed
 * with the command that repeats it.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import { readRuns, readSeed } from "../seed.ts";
import type { Storage } from "./engine.ts";
import { loadSimPolicy } from "./people.ts";
import { runPlan, type RunFigures } from "./run.ts";
import { planArbitrary, type Plan } from "./steps.ts";
import { tellFigures, tellPlan } from "./tell.ts";

/** Of a failing run: each candidate is a whole run, and a long shrink helps nobody. */
const longestShrinkMillis = 30_000;
const longestMillis = 20 * 60_000;

export interface PromisesOn {
  readonly engine: string;
  /** The variable that says how many runs are played, and how many otherwise. */
  readonly runs: { readonly name: string; readonly usual: number; readonly quick: number };
  /** Files that play the runs between them, at the same time: each takes every so manieth. */
  readonly share?: { readonly nth: number; readonly of: number };
  /** Seeds that found a fault once: played again each time. */
  readonly oldFinds: readonly number[];
  readonly createStorage: (plan: Plan) => Storage;
}

export function describePromises({ engine, runs: wanted, share, oldFinds, createStorage }: PromisesOn): void {
  const { name, usual, quick } = wanted;
  const { nth, of } = share ?? { nth: 0, of: 1 };
  const runs = readRuns(name, process.env["MAYFLY_TEST_QUICK"] === "1" ? quick : usual);
  const firstSeed = readSeed();

  describe(`promises under faults on ${engine}`, () => {
    let policy: BoundPolicy;
    beforeAll(async () => {
      policy = await loadSimPolicy();
    });

    const play = (plan: Plan): Promise<RunFigures> => runPlan(plan, policy, createStorage(plan));

    it(
      `keeps P1-P5, P7, P8, limits, idempotency and replay over ${runs} seeded runs${of === 1 ? "" : ` (part ${nth + 1} of ${of})`}`,
      async () => {
        const figures: RunFigures[] = [];
        const all = Array.from({ length: runs }, (_, index) => firstSeed + index);
        const seeds = [...oldFinds, ...all.filter((_, index) => index % of === nth)];
        for (const seed of seeds) {
          const [plan] = fc.sample(planArbitrary, { seed, numRuns: 1 });
          if (plan === undefined) throw new Error("fast-check drew nothing");
          try {
            figures.push(await play(plan));
          } catch (error) {
            await explain(play, { seed, error, repeat: `MAYFLY_SEED=${seed} ${name}=1` });
          }
        }
        tellFigures(figures);
        // The canary reached agents and systems, or its absence elsewhere would prove nothing.
        const happened = (count: (run: RunFigures) => number): boolean =>
          seeds.length <= 20 || figures.some((run) => count(run) > 0);
        expect([happened((run) => run.delivered), happened((run) => run.used), happened((run) => run.crashes)]).toEqual(
          [true, true, true],
        );
      },
      longestMillis,
    );
  });
}

async function explain(
  play: (plan: Plan) => Promise<unknown>,
  { seed, error, repeat }: { seed: number; error: unknown; repeat: string },
): Promise<never> {
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
  const trace = plan === undefined ? "" : tellPlan(plan);
  throw new Error(`${text}\n\n${trace}\nrepeat with: ${repeat} npm test -- --only sim`, { cause: error });
}
