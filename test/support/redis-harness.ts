/** The Redis engine as a harness of the ledger kit: a real server, keys of its own, the wall clock of the test. */
import { createHash, randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { createRedisLedger } from "../../src/engines/redis/ledger.ts";
import { createScriptRunner } from "../../src/engines/redis/script.ts";
import { createShardCalls, type ShardCalls } from "../../src/engines/redis/shard-calls.ts";
import { createShards } from "../../src/engines/redis/shards.ts";
import { start } from "../../src/engines/redis/verbs/store.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { MakeHarness } from "../kit/ledger/harness.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { startRedis, type RedisServer } from "./redis-server.ts";
import { silentLog } from "./silent.ts";

let server: Promise<RedisServer> | null = null;
afterAll(async () => (await server)?.stop());

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

export interface ShardedLedger {
  readonly ledger: Ledger;
  readonly calls: ShardCalls;
  /** Beside the ledger, to look at what it keeps and to plant damage. */
  readonly client: Redis;
}

/** One node of a ledger on the test process's own server. */
export async function openRedis(options: {
  prefix: string;
  clock: ManualClock;
  shards: number;
}): Promise<ShardedLedger> {
  const { prefix, clock, shards: count } = options;
  server ??= startRedis();
  const { port } = await server;
  const client = new Redis({ port, host: "127.0.0.1", enableAutoPipelining: true });
  const runner = createScriptRunner({
    clientFor: () => client,
    digest: sha1,
    wall: "command",
    knowsFlags: true,
  });
  const calls = createShardCalls({ runner, shards: createShards({ prefix, count }), clock, held: () => null });
  await start(calls);
  const ledger = createRedisLedger({ calls, log: silentLog, close: async () => client.disconnect() });
  return { ledger, calls, client };
}

const harnessOf =
  (shards: number): MakeHarness =>
  async (options = {}) => {
    const clock = createManualClock(options.startAt);
    const prefix = `kit-${randomBytes(6).toString("hex")}`;
    let { ledger } = await openRedis({ prefix, clock, shards });
    return {
      get ledger() {
        return ledger;
      },
      clock,
      async restart() {
        await ledger.close();
        ({ ledger } = await openRedis({ prefix, clock, shards }));
      },
      close: () => ledger.close(),
    };
  };

/** One shard: the order of everything is then the model's. */
export const makeRedisHarness = harnessOf(1);
export const makeShardedHarness = harnessOf(8);
