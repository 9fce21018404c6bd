/** SIGKILL at random moments under load, round after round on one ledger; and what holds the ledger together then. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStorm, type Storm } from "../support/crash/storm.ts";
import { isOnSqlite, ledgerKind } from "../support/ledger-kind.ts";
import { createTally } from "../support/crash/tally.ts";
import { startWorld, type World } from "../support/crash/world.ts";
import { readRuns, readSeed } from "../support/seed.ts";

const rounds = readRuns("MAYFLY_STORM_ROUNDS", isOnSqlite ? 15 : 4);
const seed = readSeed();

describe("storm", () => {
  const tally = createTally();
  let world: World;
  let storm: Storm;
  beforeAll(async () => {
    world = await startWorld();
    storm = await startStorm(world);
  });
  afterAll(async () => {
    await world.close();
    tally.print(`storm on ${ledgerKind}`, "random moments under load");
  });

  it.each(Array.from({ length: rounds }, (_, index) => ({ round: index + 1, seed: seed + index })))(
    "loses nothing in round $round (seed $seed)",
    { timeout: 60_000 },
    async (row) => {
      const { faults, orphans, quietMillis } = await storm.round(row.seed);
      tally.add({ faults: faults.length, orphans, quietMillis });
      expect(faults).toEqual([]);
    },
  );
});

describe("lock", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  it("of a SQLite file refuses a second broker, and is free as soon as the first is killed", async (context) => {
    context.skip(!isOnSqlite, "is about a SQLite file");
    const data = await world.newData();
    const first = await world.start(data, { program: "serve" });
    const taskId = await world.meet(first).openTask();
    await expect(world.start(data, { program: "serve" })).rejects.toThrow("another broker is using");
    expect((await world.meet(first).readTask(taskId)).body.state).toBe("open");
    await first.kill();
    const second = await world.start(data, { program: "serve" });
    expect((await world.meet(second).readTask(taskId)).body.state).toBe("open");
  });
});
