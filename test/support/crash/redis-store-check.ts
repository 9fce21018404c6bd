/**
 * The Redis ledger as it lies in the server, read without the broker's code: an audit in which each entry follows the one
 * before and its hash rests on it, dead leases without their seals, and which token is recorded for which lease.
 */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { readStoredLease, type StoredLease } from "../redis-lease-row.ts";
import type { StoreCheck } from "./store-check.ts";

export function redisStore(port: number, prefix: string): StoreCheck {
  const withClient = async <T>(look: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis({ host: "127.0.0.1", port, replyMapping: "legacy", enableAutoPipelining: true });
    try {
      return await look(client);
    } finally {
      client.disconnect();
    }
  };
  return {
    recordedTokens: () =>
      withClient(async (client) => {
        const rows = await readLeases(client, prefix);
        return new Map(
          rows.flatMap(({ id, fingerprint }) => (fingerprint === null ? [] : [[fingerprint, id] as const])),
        );
      }),
    check: () =>
      withClient(async (client) => {
        const rows = await readLeases(client, prefix);
        const isDead = (state: string): boolean => state === "revoked" || state === "expired";
        const streams = await client.keys(`${prefix}{*}:audit`);
        const chains = await Promise.all(streams.map((stream) => checkChain(client, stream)));
        return [
          ...(rows.some(({ state, sealed }) => isDead(state) && sealed !== null)
            ? ["a dead lease still holds its seal"]
            : []),
          ...(streams.length === 0 ? ["the audit is empty"] : []),
          ...chains.flat(),
        ];
      }),
  };
}

async function readLeases(client: Redis, prefix: string): Promise<readonly StoredLease[]> {
  const keys = await client.keys(`${prefix}{*}:lease:*`);
  return Promise.all(keys.map((key) => readStoredLease(client, key)));
}

/** Of one shard. The newest entries may have no hash yet. */
async function checkChain(client: Redis, stream: string): Promise<readonly string[]> {
  const base = stream.slice(0, -"audit".length);
  const entries = await client.xrange(stream, "-", "+");
  const hashes = (await Promise.all([0, 1].map((list) => client.lrange(`${base}hashes:${list}`, 0, -1)))).flat();
  let previous = Buffer.alloc(32);
  for (const [index, [id, fields]] of entries.entries()) {
    if (id !== `${index + 1}-0`) return [`audit entry ${index + 1} of ${base} is missing`];
    previous = createHash("sha256")
      .update(previous)
      .update(fields[1] ?? "")
      .digest();
    const hash = hashes[index];
    if (hash !== undefined && hash !== previous.toString("base64url")) return [`audit entry ${id} is not chained`];
  }
  return [];
}
