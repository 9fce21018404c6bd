/** The queue wiped again and again under load: by BullMQ's own obliterate, and key by key. No lease is only there. */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import type { Scenario } from "../support/chaos/run.ts";
import { describeChaos } from "../support/chaos/describe-chaos.ts";
import { oneRedis, type OneRedis } from "../support/chaos/stores.ts";

const wipes = 40;
const paceMillis = 50;

/** Each answers how many keys it found. */
type Wipe = (redis: Redis) => Promise<number>;

const queueKeys = (redis: Redis): Promise<string[]> => redis.keys("mayfly:kill:*");

const byHand: Wipe = async (redis) => {
  const keys = await queueKeys(redis);
  return keys.length === 0 ? 0 : redis.del(...keys);
};

/** Keys are `mayfly:kill:{NAME}:NAME:meta` and the like. */
const obliterate: Wipe = async (redis) => {
  const keys = await queueKeys(redis);
  const names = new Set(keys.flatMap((key) => /\{([^}]+)\}/.exec(key)?.[1] ?? []));
  for (const name of names) {
    const queue = new Queue(name, { connection: redis, prefix: `mayfly:kill:{${name}}` });
    await queue.obliterate({ force: true });
    await queue.close();
  }
  return keys.length;
};

const wiped = (name: string, wipe: Wipe): Scenario<OneRedis> => ({
  name,
  roles: ["api", "worker", "worker"],
  start: oneRedis,
  async strike({ store }) {
    const redis = new Redis({ host: "127.0.0.1", port: store.server().port, maxRetriesPerRequest: null });
    let found = 0;
    for (let round = 0; round < wipes; round += 1) {
      found += await wipe(redis);
      await new Promise((resolve) => setTimeout(resolve, paceMillis));
    }
    redis.disconnect();
    if (found === 0) throw new Error("no queue had a key to wipe");
  },
});

describeChaos([wiped("every queue is obliterated", obliterate), wiped("every key of the queues is deleted", byHand)]);
