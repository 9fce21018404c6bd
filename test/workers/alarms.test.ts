/**
 * The alarm alone: workerd is killed, and nobody asks the broker anything after it came back. Whether a credential is dead
 * is asked of the OAuth server itself.
 */
import { DatabaseSync } from "node:sqlite";
import { globSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fraction } from "../../src/kernel/entropy.ts";
import type { Issued } from "../support/flow/client.ts";
import { startEdgeWorld, type EdgeWorld } from "../support/flow/edge-world.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { taskInEachShard } from "../support/flow/shard-tasks.ts";
import { readSeed } from "../support/seed.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";

const shards = 3;
let world: EdgeWorld;
beforeAll(async () => {
  world = await startEdgeWorld({ shards });
});
afterAll(() => world.close());
afterEach(() => world.servers.proxy.heal());

const issueIn = async (tasks: readonly string[], each: number, template = "ledger-read", of = world) =>
  Promise.all(tasks.flatMap((task) => Array.from({ length: each }, () => of.issue({ task, template }))));

const aliveOf = async (issued: readonly Issued[], of = world): Promise<number> =>
  (await Promise.all(issued.map(({ token }) => of.servers.isAlive(token)))).filter(Boolean).length;

const untilDead = (issued: readonly Issued[], of = world): Promise<void> =>
  eventuallyTrue("all are dead, and nobody asked", async () => (await aliveOf(issued, of)) === 0, 20_000);

const until = (instant: number): Promise<void> => eventuallyTrue("the time has come", async () => Date.now() > instant);

/** What each report says in the end. */
async function verdictsOf(tasks: readonly string[]): Promise<readonly string[]> {
  const lines = (await Promise.all(tasks.map((task) => world.leasesOf(task)))).flat();
  return [...new Set(lines.map(({ verdict }) => verdict))];
}

describe("workerd is killed, and what was due meanwhile dies when it is back: nobody asks", () => {
  it.each([
    { what: "the deadlines", wish: { deadline_seconds: 2 }, template: "ledger-read", outcome: "deadline" },
    { what: "the heartbeats", wish: { heartbeat_seconds: 2 }, template: "ledger-read", outcome: "heartbeat_lost" },
    { what: "the lifetimes", wish: {}, template: "ledger-short", outcome: undefined },
  ])("$what", async ({ wish, template, outcome }) => {
    const tasks = await taskInEachShard(world, shards, wish);
    const issued = await issueIn(tasks, 2, template);
    const lastAt = Date.now();
    expect(await aliveOf(issued)).toBe(issued.length);
    await world.broker.kill();
    await until(lastAt + 2500);
    expect(await aliveOf(issued)).toBe(issued.length);

    await world.broker.startAgain();
    await untilDead(issued);
    expect(await verdictsOf(tasks)).toEqual(["dead-verified"]);
    for (const task of tasks) {
      const { body } = await world.send("GET", `/tasks/${task}`, { as: "planner" });
      expect(body.outcome).toBe(outcome);
    }
  });
});

describe("a kill order that was answered", () => {
  it("is carried out after a SIGKILL right behind the answer", async () => {
    const tasks = await taskInEachShard(world, shards);
    const issued = await issueIn(tasks, 3);
    // No kill can be done before the answer.
    world.servers.proxy.breakPath(oauthPaths.revocation, { kind: "hang" });
    const answers = await Promise.all(tasks.map((task) => world.end(task, { waitSeconds: 0 })));
    await world.broker.kill();
    expect(answers.map(({ status }) => status)).toEqual(tasks.map(() => 200));
    expect(await aliveOf(issued)).toBe(issued.length);

    world.servers.proxy.heal();
    await world.broker.startAgain();
    await untilDead(issued);
    expect(await verdictsOf(tasks)).toEqual(["dead-verified"]);
  });

  it("is tried again and again while its provider is down, over a restart", { timeout: 90_000 }, async () => {
    const tasks = await taskInEachShard(world, shards);
    const issued = await issueIn(tasks, 2);
    const tries = (): number => world.servers.proxy.seen.filter(({ path }) => path === oauthPaths.revocation).length;
    for (const path of Object.values(oauthPaths)) world.servers.proxy.breakPath(path, { kind: "reset_before" });
    await Promise.all(tasks.map((task) => world.end(task, { waitSeconds: 0 })));
    await world.broker.kill();
    await world.broker.startAgain();
    const before = tries();
    await eventuallyTrue("it is tried again", async () => tries() >= before + 3, 20_000);
    expect(await aliveOf(issued)).toBe(issued.length);
    world.servers.proxy.heal();
    await untilDead(issued);
    expect(await verdictsOf(tasks)).toEqual(["dead-verified"]);
  });
});

describe("SIGKILL in the middle of many kills", () => {
  const seed = readSeed();
  const entropy = createSeededEntropy(seed);
  const { revocation } = oauthPaths;

  /** As soon as a random number of kills went out; all that follow are under way, and never get there. */
  async function killInTheMiddle(): Promise<void> {
    const { proxy } = world.servers;
    const passed = 1 + Math.floor(fraction(entropy) * 10);
    for (let count = 0; count < passed; count += 1) await proxy.arrival(revocation);
    proxy.breakPath(revocation, { kind: "hang" });
    await eventuallyTrue("others hang", async () => (await hanging()) >= 3);
    await world.broker.kill();
    proxy.heal();
  }
  const sent = (): number => world.servers.proxy.seen.filter(({ path }) => path === revocation).length;
  const hanging = async (): Promise<number> =>
    sent() - world.servers.proxy.answered.filter(({ path }) => path === revocation).length;

  it(`loses none, and nothing is activated after the end (seed ${seed})`, { timeout: 90_000 }, async () => {
    const tasks = await taskInEachShard(world, shards);
    const issued = await issueIn(tasks, 30);
    const late = tasks.flatMap((task) => Array.from({ length: 3 }, () => world.exchange({ task }).catch(() => null)));
    const ends = tasks.map((task) => world.end(task, { waitSeconds: 0 }).catch(() => null));
    const aliveAt: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await killInTheMiddle();
      aliveAt.push(await aliveOf(issued));
      await world.broker.startAgain();
    }
    expect((await Promise.all(ends)).map((end) => end?.status)).toEqual(tasks.map(() => 200));
    console.log(`alive of ${issued.length} at each SIGKILL: ${aliveAt.join(", ")}`);
    const delivered = (await Promise.all(late)).flatMap((answer) => answer?.body.access_token ?? []);
    await untilDead([...issued, ...delivered.map((token) => ({ token, lease: "", task: "" }))]);

    for (const task of tasks) {
      const lines = await eventually("each has its verdict", async () => {
        const all = await world.leasesOf(task);
        return all.some(({ verdict }) => verdict === "pending") ? undefined : all;
      });
      const dead = lines.filter(({ verdict }) => verdict === "dead-verified").map(({ lease_id }) => lease_id);
      const own = issued.filter((one) => one.task === task);
      expect(dead).toEqual(expect.arrayContaining(own.map(({ lease }) => lease)));
      await expectNothingAfterEnd(task);
    }
  });

  async function expectNothingAfterEnd(task: string): Promise<void> {
    const entries = await world.audit(task);
    const endedAt = entries.findIndex(({ type }) => type === "task.ended");
    expect(endedAt).toBeGreaterThan(0);
    expect(entries.slice(0, endedAt).map(({ type }) => type)).toContain("lease.activated");
    const after = entries.slice(endedAt).map(({ type }) => type);
    expect(after).not.toContain("lease.activated");
    expect((await world.exchange({ task })).body.reason).toBe("task_ended");
  }
});

describe("an object that has nothing outstanding", () => {
  /** For how long each object's alarm is set to wait yet, as its runtime stored it. */
  function sleeps(storage: string): readonly number[] {
    const files = globSync("Shard/*.sqlite", { cwd: storage }).filter((file) => !file.endsWith("/metadata.sqlite"));
    return files.map((file) => {
      using db = new DatabaseSync(join(storage, file), { readOnly: true });
      const nanos = db.prepare("SELECT CAST(value / 1000000 AS INTEGER) FROM _cf_METADATA WHERE key = 1");
      nanos.setReturnArrays(true);
      return Number((nanos.get() as unknown as readonly number[] | undefined)?.[0]) - Date.now();
    });
  }

  it("sleeps until the next deadline, and was woken no more often than there was something to do", async () => {
    const idle = await startEdgeWorld({ shards });
    try {
      const tasks = await taskInEachShard(idle, shards);
      const issued = await issueIn(tasks, 2, "ledger-read", idle);
      await idle.operate("POST", "/admin/kill", {
        as: "killer",
        json: { scope: { kind: "agent", name: "bot" }, reason: "the end" },
      });
      await untilDead(issued, idle);
      // Ten minutes, of the tasks.
      await eventuallyTrue("all sleep", async () => {
        const waits = sleeps(idle.broker.storage);
        return waits.length === shards && waits.every((wait) => wait > 500_000);
      });
      const woken = idle.broker.alarms();
      expect([...woken.keys()].toSorted()).toEqual(["shard-0", "shard-1", "shard-2"]);
      expect(Math.max(...woken.values())).toBeLessThanOrEqual(4);
    } finally {
      await idle.close();
    }
  });
});
