/** What is past its time goes by itself while a broker runs, on the real engine over a clock that the test moves. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHousekeeper, type Housekeeper } from "../../src/broker/housekeeper.ts";
import { tombstoneMillis } from "../../src/kernel/limits.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { LedgerHarness } from "../kit/ledger/harness.ts";
import { broker, createBuilders } from "../support/builders.ts";
import { silentLog } from "../support/silent.ts";
import { makeSqliteHarness } from "../support/sqlite-harness.ts";

let bench: LedgerHarness;
let keeper: Housekeeper;
let windowsClosed = 0;
beforeEach(async () => {
  bench = await makeSqliteHarness();
});
afterEach(async () => {
  keeper.stop();
  await bench.close();
});

const minute = 60_000;

function start(ledger: Partial<Ledger> = {}): void {
  windowsClosed = 0;
  const refusals = { note: () => Promise.resolve(), closeWindows: () => Promise.resolve(void (windowsClosed += 1)) };
  const { clock } = bench;
  keeper = createHousekeeper({ ledger: { ...bench.ledger, ...ledger }, clock, log: silentLog, refusals });
  keeper.start();
}

/** Lets the answers of the ledger arrive, and the next page fall due. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    bench.clock.advance(50);
  }
}

/** Tasks that ended without ever having a credential. */
async function endTasks(count: number) {
  const build = createBuilders({ clock: bench.clock });
  const opened = await Promise.all(Array.from({ length: count }, () => bench.ledger.openTask(build.openTask())));
  const ids = opened.flatMap((answer) => (answer.kind === "ok" ? [answer.value.id] : []));
  for (const taskId of ids) await bench.ledger.endTask({ taskId, outcome: "completed", reason: null, cause: broker });
  while ((await bench.ledger.dueWork()).sweep) await bench.ledger.expandKillOrders(500);
  return ids;
}

const leftOf = async (ids: Awaited<ReturnType<typeof endTasks>>): Promise<number> =>
  (await Promise.all(ids.map((id) => bench.ledger.readTask(id)))).filter((view) => view !== undefined).length;

it("tombstones past their time are dropped, page after page, without a request", async () => {
  const ids = await endTasks(1100);
  start();
  bench.clock.advance(tombstoneMillis - minute);
  await settle();
  expect(await leftOf(ids)).toBe(1100);
  bench.clock.advance(3 * minute);
  await settle();
  expect(await leftOf(ids)).toBe(0);
});

it("a look that fails is made again", async () => {
  let looks = 0;
  start({
    purge() {
      looks += 1;
      throw new Error("out of order");
    },
  });
  for (let turn = 0; turn < 3; turn += 1) {
    bench.clock.advance(minute);
    await settle();
  }
  expect(looks).toBe(3);
  expect(windowsClosed, "refusals are told beside it").toBe(3);
});

it.each(["disk_full", "stopped"] as const)("nothing is dropped while the ledger is %s", async (suspended) => {
  let looks = 0;
  const health = await bench.ledger.health();
  start({
    health: () => Promise.resolve({ ...health, suspended }),
    purge(limit) {
      looks += 1;
      return bench.ledger.purge(limit);
    },
  });
  bench.clock.advance(minute);
  await settle();
  expect(looks).toBe(0);
});

it("a stopped keeper looks no more", async () => {
  let looks = 0;
  start({
    purge(limit) {
      looks += 1;
      return bench.ledger.purge(limit);
    },
  });
  keeper.stop();
  bench.clock.advance(10 * minute);
  await settle();
  expect(looks).toBe(0);
});
