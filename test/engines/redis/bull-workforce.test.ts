/** Wake-ups over a real Redis: they reach a worker of some process, and losing all of them costs one more wake-up. */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TargetName } from "../../../src/domain/names.ts";
import { brand } from "../../../src/kernel/brand.ts";
import { createBullWorkforce } from "../../../src/engines/redis/queue/bull-workforce.ts";
import type { Workforce } from "../../../src/ports/workforce.ts";
import { createBell } from "../../../src/engines/redis/queue/bell.ts";
import { queueName } from "../../../src/engines/redis/queue/queue-name.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";
import { silentLog } from "../../support/silent.ts";

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis({ host: "127.0.0.1", port: server.port });
});
afterAll(async () => {
  redis.disconnect();
  server.kill("SIGKILL");
  await server.exited;
});

/** Two processes' worth of workforce on one prefix, and a way to wait for the next chunk of work. */
function scene() {
  const prefix = `wf-${randomBytes(4).toString("hex")}`;
  const clock = createManualClock();
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const make = (): Workforce => {
    const subscriber = new Redis({ host: "127.0.0.1", port: server.port });
    const bell = createBell({ publisher: redis, subscriber, prefix, clock, log: silentLog });
    return createBullWorkforce({ prefix, adding: connection, working: connection, bell, clock, log: silentLog });
  };
  const worked: string[] = [];
  let tell = (): void => {};
  const next = (): Promise<void> => new Promise((resolve) => (tell = resolve));
  const work = async (target: string): Promise<void> => {
    worked.push(target);
    tell();
  };
  return { prefix, clock, make, worked, next, work };
}

const target = brand<TargetName>("oauth-main");

describe("the BullMQ workforce", () => {
  it("brings a wake-up of one process to the worker of another", async () => {
    const { make, next, work, worked, clock } = scene();
    const [api, worker] = [make(), make()];
    worker.start(work);
    const done = next();
    // Asked often: a publication from before the worker listened is not heard, and the next one is.
    while (worked.length === 0) {
      clock.advance(1_000);
      api.wake(target);
      // oxlint-disable-next-line no-await-in-loop -- asks the server, which takes its time
      await api.depths();
    }
    await done;
    expect(worked[0]).toBe(target);
    await Promise.all([api.stop(), worker.stop()]);
  });

  it("leaves nothing of a job that was done", async () => {
    const { make, next, work, worked, prefix } = scene();
    const worker = make();
    worker.start(work);
    worker.wake(target);
    // Once without a job, because the queue had to be opened, and once for the job.
    // oxlint-disable-next-line no-await-in-loop -- one chunk after another
    while (worked.length < 2) await next();
    await worker.stop();
    const { prefix: own, name } = queueName(prefix, target);
    expect(await redis.zcard(`${own}:${name}:completed`)).toBe(0);
    expect(await redis.zcard(`${own}:${name}:failed`)).toBe(0);
    expect(await redis.keys(`${own}:${name}:[0-9]*`)).toEqual([]);
  });

  it("works at once on what a queue is opened for, and waits for its job afterwards", async () => {
    const { make, next, work, worked } = scene();
    const worker = make();
    worker.start(work);
    worker.wake(target);
    expect(worked).toEqual([target]);
    worker.wake(target);
    expect(worked).toEqual([target]);
    await next();
    await worker.stop();
  });

  it("holds few wake-ups, however often it is woken", async () => {
    const { make } = scene();
    const api = make();
    for (let wakes = 0; wakes < 40; wakes += 1) {
      api.wake(target);
      // oxlint-disable-next-line no-await-in-loop -- one wake-up after another is what is tested
      await api.depths();
    }
    const { waiting } = (await api.depths()).get(target) ?? { waiting: -1 };
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThanOrEqual(4);
    await api.stop();
  });

  it("works on after every key of the queue was deleted", async () => {
    const { make, next, work, worked, prefix } = scene();
    const [api, worker] = [make(), make()];
    const before = next();
    api.wake(target);
    worker.start(work);
    worker.wake(target);
    await before;
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(...keys);
    const done = next();
    worker.wake(target);
    await done;
    expect(worked.length).toBeGreaterThan(1);
    await Promise.all([api.stop(), worker.stop()]);
  });

  it("closes a queue that rested for a minute, and opens it again", async () => {
    const { make, next, work, worked, clock } = scene();
    const worker = make();
    worker.start(work);
    worker.wake(target);
    // oxlint-disable-next-line no-await-in-loop -- one chunk after another
    while (worked.length < 2) await next();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    clock.advance(60_000);
    expect((await worker.depths()).size).toBe(0);
    const again = next();
    worker.wake(target);
    await again;
    expect((await worker.depths()).size).toBe(1);
    await worker.stop();
  });
});
