/** What a server says of itself, from INFO and CONFIG. A user may be forbidden to read CONFIG; INFO is needed. */
import type { Redis } from "ioredis";
import { codeOf } from "./open-fault.ts";

export interface ServerFacts {
  readonly version: readonly [major: number, minor: number];
  readonly versionText: string;
  readonly runId: string;
  readonly isCluster: boolean;
  readonly role: "master" | "replica";
  readonly replicas: number;
  readonly appendOnly: boolean;
  /** Null where this user may not read it. */
  readonly appendFsync: string | null;
  readonly evictionPolicy: string;
  readonly memory: MemoryFacts;
}

export interface MemoryFacts {
  readonly usedBytes: number;
  /** 0 for no bound. */
  readonly maxBytes: number;
}

type Fields = ReadonlyMap<string, string>;

export function parseInfo(text: string): Fields {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":") && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** Null where the answer is not of a Redis server. */
export function factsFrom(info: Fields, appendFsync: string | null): ServerFacts | null {
  const versionText = info.get("redis_version") ?? "";
  const version = /^(\d+)\.(\d+)/.exec(versionText);
  const runId = info.get("run_id");
  if (version === null || runId === undefined) return null;
  return {
    version: [Number(version[1]), Number(version[2])],
    versionText,
    runId,
    isCluster: info.get("cluster_enabled") === "1",
    role: info.get("role") === "master" ? "master" : "replica",
    replicas: numberIn(info, "connected_slaves"),
    appendOnly: info.get("aof_enabled") === "1",
    appendFsync,
    evictionPolicy: info.get("maxmemory_policy") ?? "unknown",
    memory: memoryFrom(info),
  };
}

export const memoryFrom = (info: Fields): MemoryFacts => ({
  usedBytes: numberIn(info, "used_memory"),
  maxBytes: numberIn(info, "maxmemory"),
});

/** Of a master: a replica has its copy, and follows. One without could not take its place. */
export const hasCopy = (replication: Fields): boolean =>
  [...replication].some(([name, value]) => /^slave\d+$/.test(name) && /(^|,)state=online(,|$)/.test(value));

const numberIn = (info: Fields, name: string): number => Number(info.get(name) ?? 0) || 0;

export async function readFacts(client: Redis): Promise<ServerFacts | null> {
  const info = parseInfo(await client.info());
  return factsFrom(info, await readAppendFsync(client));
}

async function readAppendFsync(client: Redis): Promise<string | null> {
  try {
    const reply: unknown = await client.config("GET", "appendfsync");
    const value: unknown = Array.isArray(reply) ? reply[1] : undefined;
    return typeof value === "string" ? value : null;
  } catch (error) {
    // Forbidden to this user, or renamed away by whoever runs the server.
    if (codeOf(error) === "NOPERM" || codeOf(error) === "ERR") return null;
    throw error;
  }
}
