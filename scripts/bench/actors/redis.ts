/** Two redis-servers on loopback, started and ended with this process: what everybody asks of them is told by INFO. */
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis, type RedisServer } from "../../../test/support/redis-server.ts";
import { serveActor } from "../actor.ts";

/** Above what any script should take, so that few commands are noted. */
const slowMicros = "1000";
const slowCommandsKept = 1024;

const servers = new Map<string, { server: RedisServer; client: Redis }>();
// Without an exit of its own the servers would outlive it.
process.once("SIGTERM", () => process.exit(0));

function clientOf(fsync: string): Redis {
  const known = servers.get(fsync);
  if (known === undefined) throw new Error(`no server with appendfsync ${fsync}`);
  return known.client;
}

serveActor({
  async start(fsync: "always" | "everysec") {
    const server = await startRedis([
      "--appendonly",
      "yes",
      "--appendfsync",
      fsync,
      "--maxmemory-policy",
      "noeviction",
      "--slowlog-log-slower-than",
      slowMicros,
      "--slowlog-max-len",
      String(slowCommandsKept),
    ]);
    servers.set(fsync, { server, client: new Redis({ port: server.port, host: "127.0.0.1" }) });
    return server.port;
  },
  flush: async (fsync: string) => void (await clientOf(fsync).flushall("SYNC")),
  /** Waits until it is done with rewriting its file, and forgets what was slow until now. */
  async settle(fsync: string) {
    const client = clientOf(fsync);
    while (/aof_rewrite_(?:in_progress|scheduled):1/.test(await client.info("persistence"))) await sleep(100);
    await client.slowlog("RESET");
  },
  /** Milliseconds of the longest script since then. */
  async slowest(fsync: string) {
    const entries: unknown = await clientOf(fsync).slowlog("GET", slowCommandsKept);
    // Number, instant and microseconds of each, then the command.
    const micros = Array.isArray(entries)
      ? entries.map((entry: unknown) => Number(Array.isArray(entry) && entry[2]))
      : [];
    return Math.max(0, ...micros) / 1000;
  },
  /** Scripts that were run by their digest so far. */
  async scripts(fsync: string) {
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await clientOf(fsync).info("commandstats"))?.[1];
    return Number(calls ?? 0);
  },
  /** Seconds of CPU of the server so far. */
  async cpuSeconds(fsync: string) {
    const text = await clientOf(fsync).info("cpu");
    const part = (name: string): number => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(text)?.[1]);
    return part("sys") + part("user");
  },
});
