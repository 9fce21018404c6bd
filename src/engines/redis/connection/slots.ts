/** Which slot of a cluster a key lives in (the Redis Cluster specification), and which server has it. */
import type { HostPort } from "./ledger-url.ts";

export const slotCount = 16_384;

/** CRC16 (XMODEM) of the hash tag, or of the whole key without one. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  const tag = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % slotCount;
}

export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly master: HostPort;
  readonly replicas: number;
}

/** From the reply of CLUSTER SLOTS; an empty address is the one that was asked. */
export function parseSlots(reply: unknown, asked: HostPort): readonly SlotRange[] {
  if (!Array.isArray(reply)) throw new Error("not a list of slots");
  return reply.map((row: unknown) => {
    const [from, to, master, ...replicas] = listOf(row);
    const [host, port] = listOf(master);
    if (typeof from !== "number" || typeof to !== "number" || typeof port !== "number")
      throw new Error("not a list of slots");
    const at = { host: typeof host === "string" && host !== "" && host !== "?" ? host : asked.host, port };
    return { from, to, master: at, replicas: replicas.length };
  });
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("not a list of slots");
  return value as readonly unknown[];
}

export const addressText = ({ host, port }: HostPort): string => `${host}:${port}`;
