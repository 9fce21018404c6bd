/** A lease as the Redis engine stores it, read past the engine: what a test must know without believing it. */
import type { Redis } from "ioredis";

export interface StoredLease {
  readonly id: string;
  readonly state: string;
  readonly fingerprint: string | null;
  readonly sealed: string | null;
}

const readScript = "return cjson.encode(cmsgpack.unpack(redis.call('GET', KEYS[1])))";

export async function readStoredLease(client: Redis, key: string): Promise<StoredLease> {
  const fields = JSON.parse(String(await client.eval(readScript, 1, key))) as Readonly<Record<string, string>>;
  return {
    id: key.slice(key.lastIndexOf(":") + 1),
    state: fields["k"] ?? "",
    fingerprint: fields["fp"] ?? null,
    sealed: fields["se"] ?? null,
  };
}

/** Lua that spoils the row at KEY: the whole text without a field, else that field alone. */
export const spoilLease = (key: string): string => `
local row = cmsgpack.unpack(call('GET', ${key}))
row[c.field or ''] = c.value
call('SET', ${key}, c.field and cmsgpack.pack(row) or c.value)`;
