/**
 * What the flows stand on: a SQLite file, or with MAYFLY_TEST_LEDGER=redis a real Redis server of their own. The same
 * flows run on both; what holds for one alone asks for it by name.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Redis } from "ioredis";
import { isOnSqlite } from "../ledger-kind.ts";
import { appendAlways, startRedis } from "../redis-server.ts";

export interface FlowLedger {
  /** For `--ledger`. */
  readonly setting: string;
  /** Everything that is stored now, and all that the store keeps of what was: bytes by where they were found. */
  contents(): Promise<ReadonlyMap<string, Uint8Array>>;
  close(): Promise<void>;
}

/** `file` is where a SQLite ledger would be. */
export const startFlowLedger = (file: string): Promise<FlowLedger> =>
  isOnSqlite ? Promise.resolve(onSqlite(file)) : startRedisLedger();

export const onSqlite = (file: string): FlowLedger => ({
  setting: `sqlite:${file}`,
  contents: () => filesBelow(dirname(file), (name) => name.startsWith(basename(file))),
  close: async () => {},
});

export async function startRedisLedger(): Promise<FlowLedger> {
  const server = await startRedis(appendAlways);
  return {
    setting: `redis://127.0.0.1:${server.port}`,
    // Its log holds in clear every command that ever wrote, of the ledger and of the queues.
    contents: async () => new Map([...(await filesBelow(server.folder)), ...(await keysOf(server.port))]),
    close: () => server.stop(),
  };
}

export async function filesBelow(
  folder: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.flatMap((one) => (one.isFile() && isWanted(one.name) ? [join(one.parentPath, one.name)] : []));
  return new Map(await Promise.all(paths.map(async (path) => [basename(path), await readFile(path)] as const)));
}

async function keysOf(port: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const client = new Redis({ host: "127.0.0.1", port, replyMapping: "legacy" });
  try {
    const keys = await client.keys("*");
    return new Map(await Promise.all(keys.map(async (key) => [key, await valueOf(client, key)] as const)));
  } finally {
    client.disconnect();
  }
}

/** As text, because a dump of it could be compressed. */
async function valueOf(client: Redis, key: string): Promise<Uint8Array> {
  const read: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
    string: (name) => client.get(name),
    hash: (name) => client.hgetall(name),
    list: (name) => client.lrange(name, 0, -1),
    set: (name) => client.smembers(name),
    zset: (name) => client.zrange(name, 0, "-1"),
    stream: (name) => client.xrange(name, "-", "+"),
    none: () => Promise.resolve(null),
  };
  const type = await client.type(key);
  const reader = read[type];
  if (reader === undefined) throw new Error(`cannot search a ${type}`);
  return Buffer.from(JSON.stringify([key, await reader(key)]));
}
