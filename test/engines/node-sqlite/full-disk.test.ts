/** A full disk stops issuing, never a kill; a database that cannot grow behaves like one. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, type TestContext } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Task } from "../../../src/domain/task.ts";
import type { SqliteLedger } from "../../../src/engines/node-sqlite/open.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Answer } from "../../../src/ports/ledger.ts";
import { broker, createBuilders, ledgerTarget, operator, type Builders } from "../../support/builders.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { mountSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";
import { drain, endOf, refused, valueOf } from "../../kit/ledger/bench.ts";

const suspended = refused("suspended", { why: "disk_full" });
const ballastBytes = 1024 * 1024;
const leaseCount = 60;

interface Scene {
  readonly ledger: SqliteLedger;
  readonly builders: Builders;
  readonly task: Task;
  readonly leases: readonly Lease[];
  readonly inFlight: Lease;
}

async function setScene(ledger: SqliteLedger, clock: ManualClock): Promise<Scene> {
  const builders = createBuilders({ clock });
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const intents = await Promise.all(
    Array.from({ length: leaseCount + 1 }, () => ledger.recordIntent(builders.recordIntent(task.id))),
  );
  const [first, ...rest] = intents.map((answer) => valueOf(answer).lease);
  if (first === undefined) throw new Error("no lease was made");
  const minted = await Promise.all(rest.map((lease) => ledger.completeMint(builders.completeMint(lease))));
  return { ledger, builders, task, leases: minted.map((answer) => valueOf(answer).lease), inFlight: first };
}

/** Opens tasks until one is refused. */
async function issueUntilFull({ ledger, builders }: Scene): Promise<Answer<unknown, unknown>> {
  for (let tries = 0; tries < 2000; tries += 1) {
    // oxlint-disable-next-line no-await-in-loop -- the disk fills step by step
    const answer = await ledger.openTask(builders.openTask({ context: { note: "x".repeat(4000) } }));
    if (answer.kind !== "ok") return answer;
  }
  throw new Error("the disk never filled up");
}

async function expectKillsGoOn({ ledger, builders, task, leases, inFlight }: Scene): Promise<void> {
  expect((await ledger.health()).suspended).toBe("disk_full");
  expect(await ledger.recordIntent(builders.recordIntent(task.id))).toMatchObject(suspended);
  expect(await ledger.completeMint(builders.completeMint(inFlight))).toMatchObject({
    kind: "ok",
    value: { outcome: "closed", lease: { handle: { name: `at-provider-${inFlight.id}` } } },
  });
  valueOf(await ledger.endTask(endOf(task.id)));
  valueOf(await ledger.closeDoor({ scope: { kind: "all" }, reason: "the disk is full", cause: operator }));
  await drain(async () => valueOf(await ledger.expandKillOrders(20)).more);
  await killAll(ledger, leases.length + 1);
  expect(await ledger.summarize(task.id)).toMatchObject({ live: 0, dead: leases.length + 1 });
  const refusal = { type: "request.refused", taskId: null, leaseId: null, cause: broker, data: {} } as const;
  expect(await ledger.appendAudit(refusal)).toEqual({ kind: "unknown", reason: "disk_full" });
}

/** One verdict a commit, which costs the most room. */
async function killAll(ledger: SqliteLedger, expected: number): Promise<void> {
  let killed = 0;
  for (let round = 0; killed < expected; round += 1) {
    const fence = `fence-${round}`;
    // oxlint-disable-next-line no-await-in-loop -- one claim after the other
    const claimed = valueOf(await ledger.claimDue({ target: ledgerTarget, limit: 10, claim: millis(30_000), fence }));
    expect(claimed.length).toBeGreaterThan(0);
    for (const lease of claimed) {
      const outcome = { kind: "dead-unverified" } as const;
      // oxlint-disable-next-line no-await-in-loop -- as above
      valueOf(await ledger.recordVerdict({ leaseId: lease.id, fence, outcome, jitter: 0 }));
      killed += 1;
    }
  }
}

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function mountOrSkip(context: TestContext): SmallDisk {
  const disk = mountSmallDisk(8);
  if (disk === undefined) return context.skip("only root may mount the small file system that this fills");
  cleanups.push(() => disk.unmount());
  return disk;
}

describe("full disk: a real one", () => {
  it("stops issuing and no kill, and issues again when there is room", async (context) => {
    const disk = mountOrSkip(context);
    const clock = createManualClock();
    const options = sqliteOptions(join(disk.folder, "ledger.db"), clock, { ballastBytes });
    const ledger = await openOrThrow(options);
    cleanups.push(() => ledger.close());
    const scene = await setScene(ledger, clock);
    expect(existsSync(`${options.file}-ballast`)).toBe(true);
    disk.fill();
    expect(await issueUntilFull(scene)).toMatchObject(suspended);
    expect(existsSync(`${options.file}-ballast`)).toBe(false);
    await expectKillsGoOn(scene);

    disk.clear();
    expect(await ledger.openTask(scene.builders.openTask())).toMatchObject(suspended);
    clock.advance(5_000);
    valueOf(await ledger.openDoor({ scope: { kind: "all" }, cause: operator }));
    expect(await ledger.openTask(scene.builders.openTask())).toMatchObject({ kind: "ok" });
    expect(existsSync(`${options.file}-ballast`)).toBe(true);
  });

  it("a broker starts on a full disk and can kill there", async (context) => {
    const disk = mountOrSkip(context);
    const clock = createManualClock();
    const options = sqliteOptions(join(disk.folder, "ledger.db"), clock, { ballastBytes });
    const first = await openOrThrow(options);
    await setScene(first, clock);
    await first.close();
    disk.fill();
    const ledger = await openOrThrow(options);
    cleanups.push(() => ledger.close());
    expect((await ledger.health()).suspended).toBe("disk_full");
    const scope = { kind: "all" } as const;
    expect(await ledger.closeDoor({ scope, reason: "r", cause: operator })).toMatchObject({ kind: "ok" });
  });
});

describe("full disk: a database that may not grow", () => {
  it("answers unknown where nothing fits, and keeps what was committed", async () => {
    const folder = makeTemporaryFolder();
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const clock = createManualClock();
    const options = sqliteOptions(join(folder, "ledger.db"), clock, { maxPages: 90 });
    const ledger = await openOrThrow(options);
    cleanups.push(() => ledger.close());
    const scene = await setScene(ledger, clock);
    expect(await issueUntilFull(scene)).toMatchObject(suspended);
    expect((await ledger.health()).suspended).toBe("disk_full");
    const { openTasks } = (await ledger.health()).counts;
    expect(await ledger.readTask(scene.task.id)).toMatchObject({ gate: { kind: "open" } });
    const { entries } = await ledger.listAudit({ taskId: scene.task.id, after: null, limit: 200 });
    expect(entries.length).toBe(1 + scene.leases.length * 2 + 1);
    await ledger.close();
    const reopened = await openOrThrow(sqliteOptions(options.file, clock));
    cleanups.push(() => reopened.close());
    expect((await reopened.health()).counts.openTasks).toBe(openTasks);
  });
});
