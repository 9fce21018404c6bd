/**
 * The traps of BullMQ, each sprung on a real Redis: what would lose a job for good, or keep every job from being worked
 * on, costs a wake-up here. The first rows show that the traps are real.
 */
import { randomBytes } from "node:crypto";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TargetName } from "../../../src/domain/names.ts";
import { openTargetQueue, type TargetQueue } from "../../../src/engines/redis/queue/target-queue.ts";
import { queueName } from "../../../src/engines/redis/queue/queue-name.ts";
import { brand } from "../../../src/kernel/brand.ts";
import { millis } from "../../../src/kernel/time.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-topologies.ts";
import { silentLog } from "../../support/silent.ts";

const target = brand<TargetName>("oauth-main");
let server: RedisServer;
let redis: Redis;
let clock: ManualClock;
let prefix: string;
let ours: TargetQueue;
let theirs: Queue;
let closing: (() => Promise<unknown>)[];
let worked: number;

const connection = () => ({ host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null });
const work = async (): Promise<void> => void (worked += 1);
const keyOf = (what: string): string => {
  const named = queueName(prefix, target);
  return `${named.prefix}:${named.name}:${what}`;
};

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(connection());
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => {
  worked = 0;
  clock = createManualClock();
  prefix = `traps-${randomBytes(4).toString("hex")}`;
  ours = openTargetQueue({ target, prefix, adding: connection(), working: connection(), clock, log: silentLog });
  const named = queueName(prefix, target);
  theirs = new Queue(named.name, { connection: connection(), prefix: named.prefix });
  closing = [() => ours.close(), () => theirs.close()];
});
afterEach(() => Promise.all(closing.map((close) => close())));

/** As BullMQ is used at first: its own defaults, but for a check that comes sooner. */
function plainWorker(handle: (() => Promise<void>) | null): Worker {
  const named = queueName(prefix, target);
  const worker = new Worker(named.name, handle, {
    connection: connection(),
    prefix: named.prefix,
    autorun: handle !== null,
    stalledInterval: 50,
    lockDuration: 100,
  });
  worker.on("error", () => {});
  closing.push(() => worker.close(true));
  return worker;
}

/** A worker takes the wake-up and dies with it, as others did before. */
async function dieWithJob(deathsBefore: number): Promise<void> {
  await ours.wake();
  const worker = plainWorker(null);
  const job = await worker.getNextJob("of the dead");
  await worker.close(true);
  await redis.hset(keyOf(String(job?.id)), "stc", deathsBefore);
  await redis.del(keyOf(`${job?.id}:lock`));
}

/** As the kill path does it: a target with due work is woken for at every look at the ledger. */
async function looks(times: number): Promise<void> {
  for (let look = 0; look < times; look += 1) {
    clock.advance(millis(1_000));
    await ours.wake();
  }
}

describe("a worker that dies with the same job again", () => {
  it("loses it, as BullMQ is set by default", async () => {
    await dieWithJob(1);
    const failed = new Promise<string>((resolve) => {
      plainWorker(work).on("failed", (_job, fault) => resolve(fault.message));
    });
    expect(await failed).toContain("stalled more than allowable limit");
    expect(worked).toBe(0);
  });

  it.for([1, 7, 1_000])("does not here, after %i deaths", async (deaths) => {
    await dieWithJob(deaths);
    ours.work(work);
    await until(() => worked > 0);
    expect(await redis.zcard(keyOf("failed"))).toBe(0);
  });

  it("costs one wake-up where another worker gave it up", async () => {
    await dieWithJob(1);
    const failed = new Promise((resolve) => plainWorker(work).on("failed", resolve));
    await failed;
    expect(worked).toBe(0);
    ours.work(work);
    await looks(1);
    await until(() => worked > 0);
  });
});

describe("a queue that is paused", () => {
  it("hands out nothing to a plain worker; ours passes it by within seconds", async () => {
    await theirs.pause();
    let plain = 0;
    plainWorker(async () => void (plain += 1));
    ours.work(work);
    await looks(2);
    expect(await ours.depth()).toEqual({ waiting: 2, active: 0 });
    expect(worked).toBe(0);
    await looks(3);
    expect(worked).toBeGreaterThan(0);
    expect(plain).toBe(0);
  });

  it("goes on with jobs when it is resumed", async () => {
    await theirs.pause();
    ours.work(work);
    await looks(1);
    expect(worked).toBe(0);
    await theirs.resume();
    await until(() => worked > 0);
  });

  it("may be obliterated under the worker", async () => {
    ours.work(work);
    await looks(1);
    await until(() => worked > 0);
    await theirs.pause();
    await looks(1);
    await theirs.obliterate({ force: true });
    expect(await redis.keys(keyOf("*"))).toEqual([]);
    const before = worked;
    await looks(5);
    await until(() => worked > before);
  });
});

describe("a job id that is taken", () => {
  it("swallows a second job silently, where ids are given", async () => {
    for (const name of ["first", "second"]) await theirs.add(name, null, { jobId: "of-one-task" });
    expect(await redis.llen(keyOf("wait"))).toBe(1);
  });

  it("is no name that we give: two wake-ups are two jobs", async () => {
    // Nor is one in the way that an older job left: BullMQ looks for a taken id only where it was given one.
    await redis.hset(keyOf("1"), { name: "wake", data: "null", opts: "{}" });
    await looks(3);
    expect(await redis.llen(keyOf("wait"))).toBe(3);
    ours.work(work);
    await until(() => worked > 0);
  });
});

describe("a handler that fails", () => {
  it("is no failed job, and the next wake-up is worked on", async () => {
    ours.work(async () => {
      worked += 1;
      throw new Error("a fault of the ledger");
    });
    await looks(1);
    await until(() => worked > 0);
    await until(() => ours.isIdle());
    await looks(1);
    await until(() => worked > 1);
    expect(await redis.zcard(keyOf("failed"))).toBe(0);
  });
});

it("no wake-up is ever a delayed job", async () => {
  ours.work(work);
  await looks(3);
  await until(() => worked > 0);
  expect(await redis.exists(keyOf("delayed"))).toBe(0);
});
