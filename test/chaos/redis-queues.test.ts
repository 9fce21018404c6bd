/** The queue wiped again and again under load: by BullMQ's own obliterate, and key by key. No lease is only there. */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Scenario } from "../support/chaos/run.ts";
import { describeChaos } from "../support/chaos/describe-chaos.ts";
import { oneRedis, type OneRedis } from "../support/chaos/stores.ts";

const wipes = 40;
const paceMillis = 50;

/** The queues that have keys now. */
async function queueKeys(redis: Redis): Promise<readonly string[]> {
  return redis.keys("mayfly:kill:*");
}

async function wipeByHand(redis: Redis): Promise<void> {
  const keys = await queueKeys(redis);
  if (keys.length > 0) await redis.del(...keys);
}

/** `mayfly:kill:{NAME}:NAME:meta` and the like. */
async function obliterate(redis: Redis): Promise<void> {
  const found = (await queueKeys(redis)).flatMap((key) => /^(mayfly:kill:\{[^}]+\}):([^:]+):/.exec(key) ?? []);
  const names = new Map<string, string>();
  for (let index = 0; index + 2 < found.length; index += 3) names.set(found[index + 2] ?? "", found[index + 1] ?? "");
  for (const [name, prefix] of names) {
    const queue = new Queue(name, { connection: redis, prefix });
    await queue.obliterate({ force: true });
    await queue.close();
  }
}

const wiped = (name: string, wipe: (redis: Redis) => Promise<void>): Scenario<OneRedis> => ({
  name,
  roles: ["api", "worker", "worker"],
  start: oneRedis,
  async strike({ store }) {
    const redis = new Redis({ host: "127.0.0.1", port: store.server().port, maxRetriesPerRequest: null });
    for (let round = 0; round < wipes; round += 1) {
      await wipe(redis);
      await new Promise((resolve) => setTimeout(resolve, paceMillis));
    }
    redis.disconnect();
  },
});

describeChaos([
  wiped("every queue is obliterated", obliterate),
  wiped("every key of the queues is deleted", wipeByHand),
]);
