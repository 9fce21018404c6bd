/** The tests of some scenarios: the golden list of each, and a run for each point of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerKind } from "../ledger-kind.ts";
import { createCrashRuns, recordCalls, type CrashRun } from "./crash-run.ts";
import {
  comparable,
  goldenAdvice,
  isThorough,
  isUpdating,
  killPoints,
  readGolden,
  writeGolden,
  type KillPoint,
} from "./golden.ts";
import type { Scenario } from "./scenario.ts";
import { createTally } from "./tally.ts";
import { startWorld, type World } from "./world.ts";

const runMillis = 60_000;

const chosen = (scenarios: readonly Scenario[]): readonly Scenario[] =>
  isThorough ? scenarios : scenarios.slice(0, 1);

export function describeCrashes(title: string, scenarios: readonly Scenario[]): void {
  const tally = createTally();
  let points = 0;
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(async () => {
    await world.close();
    tally.print(`${title} on ${ledgerKind}`, `${points} points`);
  });

  for (const scenario of chosen(scenarios)) {
    describe(`${scenario.name}: ${scenario.about}`, () => {
      let crashAt: (point: KillPoint) => Promise<CrashRun>;
      beforeAll(() => {
        crashAt = createCrashRuns(world, scenario);
      });
      it("makes the calls of its golden list", { timeout: runMillis }, async () => {
        const calls = await recordCalls(world, scenario);
        if (isUpdating) writeGolden(scenario, calls);
        expect(comparable(calls), `${scenario.name}: ${goldenAdvice}`).toEqual(comparable(readGolden(scenario)));
        points += calls.length;
      });

      it.each(killPoints(scenario))("survives SIGKILL where $title", { timeout: runMillis }, async (point) => {
        const { faults, orphans, quietMillis } = await crashAt(point);
        tally.add({ faults: faults.length, orphans, quietMillis });
        expect(faults).toEqual([]);
        expect(orphans.length).toBeLessThanOrEqual(point.mayOrphan ? 1 : 0);
      });
    });
  }
}
