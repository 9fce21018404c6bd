/** The promises on the Redis engine; every other run on several shards, so that limits, doors and the audit cross them. */
import { afterAll, beforeAll } from "vitest";
import type { RedisServer } from "../support/redis-server.ts";
import { describePromises } from "../support/sim/describe-promises.ts";
import { createRedisStorage, startSimRedis } from "../support/sim/redis-engine.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startSimRedis();
});
afterAll(() => server.stop());

describePromises({
  engine: "Redis",
  runs: { name: "MAYFLY_SIM_REDIS_RUNS", usual: 150, quick: 15 },
  oldFinds: [],
  createStorage: ({ climate }) => createRedisStorage(server, climate.seed % 2 === 0 ? 1 : 4),
});
