/** Several brokers' views of one Redis ledger of many shards, over one virtual clock; a script can be kept from its shard. */
import { createHash, randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { createRedisLedger } from "../../src/engines/redis/ledger.ts";
import { createScriptRunner, type Script } from "../../src/engines/redis/script.ts";
import { createShardCalls, type ShardCalls } from "../../src/engines/redis/shard-calls.ts";
import { createShards } from "../../src/engines/redis/shards.ts";
import { start } from "../../src/engines/redis/verbs/store.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { startRedis, type RedisServer } from "./redis-server.ts";
import { silentLog } from "./silent.ts";

let server: Promise<RedisServer> | null = null;
afterAll(async () => (await server)?.stop());

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

export interface RedisNode {
  readonly ledger: Ledger;
  readonly calls: ShardCalls;
}

export interface RedisWorld {
  readonly clock: ManualClock;
  /** Another process on the same ledger. */
  node(): Promise<RedisNode>;
  /** Calls that this names never reach the server; null lets all through. */
  cutOff(isCut: ((script: Script, shard: number) => boolean) | null): void;
  /** Scripts that ran, by shard, in order. */
  readonly ran: { readonly name: string; readonly shard: number }[];
  close(): Promise<void>;
}

export async function openRedisWorld(shardCount: number): Promise<RedisWorld> {
  server ??= startRedis();
  const { port } = await server;
  const clock = createManualClock();
  const shards = createShards({ prefix: `nodes-${randomBytes(6).toString("hex")}`, count: shardCount });
  const shardOfKey = new Map(Array.from({ length: shardCount }, (_, shard) => [shards.metaKey(shard), shard]));
  const closers: (() => Promise<void>)[] = [];
  const ran: RedisWorld["ran"] = [];
  let cut: ((script: Script, shard: number) => boolean) | null = null;
  return {
    clock,
    ran,
    cutOff: (isCut) => void (cut = isCut),
    async node() {
      const client = new Redis({ port, host: "127.0.0.1", enableAutoPipelining: true });
      const inner = createScriptRunner({ clientFor: () => client, digest: sha1, wall: "command", knowsFlags: true });
      const runner: typeof inner = {
        async run(script, key, command) {
          const shard = shardOfKey.get(key) ?? -1;
          if (cut?.(script, shard) === true) throw new Error("ECONNREFUSED");
          ran.push({ name: script.name, shard });
          return inner.run(script, key, command);
        },
      };
      const calls = createShardCalls({ runner, shards, clock, held: () => null });
      await start(calls);
      const ledger = createRedisLedger({ calls, log: silentLog, close: async () => client.disconnect() });
      closers.push(() => ledger.close());
      return { ledger, calls };
    },
    close: async () => void (await Promise.all(closers.map((close) => close()))),
  };
}
