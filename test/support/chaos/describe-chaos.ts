/** A test for each scenario; each prints how long it took. */
import { expect, it } from "vitest";
import { readSeed } from "../seed.ts";
import { runScenario, type Scenario, type Store } from "./run.ts";

const runMillis = 150_000;

export function describeChaos<S extends Store>(scenarios: readonly Scenario<S>[]): void {
  const seed = readSeed();
  it.for(scenarios)("nothing is lost when $name", { timeout: runMillis }, async (scenario) => {
    const { faults, line } = await runScenario(scenario, seed);
    console.log(line);
    expect(faults).toEqual([]);
  });
}
