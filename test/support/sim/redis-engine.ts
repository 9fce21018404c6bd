/**
 * The storage of one run on Redis: a real server with its append-only file, some shards, and for each life of the broker
 * a connection of its own. A crash takes the connection only: what the server got is applied, whoever hears of it.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createRedisLedger } from "../../../src/engines/redis/ledger.ts";
import { createScriptRunner, type ScriptClient } from "../../../src/engines/redis/script.ts";
import { createShardCalls } from "../../../src/engines/redis/shard-calls.ts";
import { createShards } from "../../../src/engines/redis/shards.ts";
import { start } from "../../../src/engines/redis/verbs/store.ts";
import { freePort } from "../../../scripts/servers/child-server.ts";
import { startRedis, type RedisServer } from "../redis-server.ts";
import { silentLog } from "../silent.ts";
import type { Storage } from "./engine.ts";
import type { SimTime } from "./time.ts";

const digest = (text: string): string => createHash("sha1").update(text).digest("hex");

/** In memory where the system has it: the file is for the eyes of the checks, and no run stops the server. */
export async function startSimRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "mayfly-sim-redis-"));
  const file = ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];
  return startRedis(file, { port: await freePort(), folder });
}

export function createRedisStorage(server: RedisServer, shardCount: number): Storage {
  const shards = createShards({ prefix: `sim-${randomBytes(6).toString("hex")}`, count: shardCount });
  const before = new Map(filesOf(server.folder).map((file) => [file, statSync(file).size]));
  let life: Life | null = null;
  let crashes = 0;

  return {
    async open(clock, activity) {
      const mine = connect(server, activity);
      life = mine;
      const runner = createScriptRunner({ clientFor: () => mine.client, digest, wall: "command", knowsFlags: true });
      const calls = createShardCalls({ runner, shards, clock, held: () => null });
      await start(calls);
      return createRedisLedger({ calls, log: silentLog, close: async () => mine.close() });
    },
    crash() {
      life?.dieAfter(crashes % laterDeaths);
      crashes += 1;
    },
    /** All that was ever written in this run, also what is gone by now. */
    bytes: async () => filesOf(server.folder).map((file) => readFileSync(file).subarray(before.get(file) ?? 0)),
    async dispose() {
      const client = clientOf(server);
      await client.flushall();
      client.disconnect();
    },
  };
}

/** A verb is several commands: a process dies at once or up to three commands later, and so in each gap. */
const laterDeaths = 4;

interface Life {
  readonly client: ScriptClient;
  dieAfter(commands: number): void;
  close(): void;
}

function connect(server: RedisServer, activity: SimTime["activity"]): Life {
  const redis = clientOf(server);
  let left = Number.POSITIVE_INFINITY;
  const send = async (command: () => Promise<unknown>): Promise<unknown> => {
    if (left <= 0) throw new Error("this process is dead");
    left -= 1;
    activity.pending += 1;
    try {
      return await command();
    } finally {
      activity.pending -= 1;
      activity.count += 1;
    }
  };
  return {
    client: {
      evalsha: (sha1, keys, key, command) => send(() => redis.evalsha(sha1, keys, key, command)),
      eval: (text, keys, key, command) => send(() => redis.eval(text, keys, key, command)),
    },
    dieAfter: (commands) => void (left = commands),
    close: () => redis.disconnect(),
  };
}

/** A run that was cut short may outlive the server: then nobody waits for it. */
function clientOf({ port }: RedisServer): Redis {
  const client = new Redis({ port, host: "127.0.0.1", enableAutoPipelining: true, retryStrategy: () => null });
  client.on("error", () => {});
  return client;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
