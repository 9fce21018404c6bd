/**
 * What an outstanding lease costs in a Redis server's memory. Leases are issued by the verbs, each with a fingerprint, a
 * counter of its task and a slot of its agent's: what the server's memory grew by is what they take. Then one family of keys
 * after the other is deleted, audit first, and what the server frees is what that family took.
 */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { systemClock } from "../../../src/entry/system-clock.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { Fingerprint } from "../../../src/kernel/digest.ts";
import { homeOfId, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createCommands, openTask, valueOf, type Commands } from "./commands.ts";
import { openRedis } from "./open-redis.ts";

const leasesPerTask = 100;
const dayMillis = 24 * 3_600_000;

/** Bytes a lease. */
export interface LeaseBytes {
  /** All that is there because the lease is, but its audit entries. */
  readonly all: number;
  readonly audit: number;
  readonly parts: Readonly<Record<string, number>>;
}

const auditKeys = /\}:(?:audit|hashes:.*|trail:.*)$/;
const families: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["row", /\}:lease:/],
  ["due index", /\}:due:/],
  ["leases of a task", /\}:leases:/],
  ["fingerprint", /\}:prints:/],
  ["slots and counters", /\}:(?:slots:.*|counts)$/],
];

export async function measureRedisBytes({ url, leases }: { url: string; leases: number }): Promise<LeaseBytes> {
  const client = new Redis(url);
  try {
    const tasks = await openTasks(url, leases / leasesPerTask);
    const before = await usedMemory(client);
    await withLedger(url, async (ledger, commands) => {
      for (const taskId of tasks) await issueFull(ledger, commands, taskId, leasesPerTask);
    });
    const keys = await client.keys("*");
    const free = async (pattern: RegExp): Promise<number> => {
      const from = await usedMemory(client);
      const going = keys.filter((key) => pattern.test(key));
      for (let at = 0; at < going.length; at += 1000) await client.del(...going.slice(at, at + 1000));
      return (from - (await usedMemory(client))) / leases;
    };
    const audit = await free(auditKeys);
    const all = ((await usedMemory(client)) - before) / leases;
    const parts: Record<string, number> = {};
    for (const [name, pattern] of families) parts[name] = await free(pattern);
    const named = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
    return { all, audit, parts: { ...parts, "everything else": all - named } };
  } finally {
    client.disconnect();
  }
}

/** With one lease each, so that nothing but leases is new afterwards: no script, no name that many share. */
function openTasks(url: string, count: number): Promise<readonly TaskId[]> {
  return withLedger(url, async (ledger, commands) => {
    const tasks: TaskId[] = [];
    for (let index = 0; index < count; index += 1) tasks.push(await openTask(ledger, commands));
    for (const taskId of tasks) await issueFull(ledger, commands, taskId, 1);
    return tasks;
  });
}

/** Connections that are gone take no memory. */
async function withLedger<T>(url: string, work: (ledger: Ledger, commands: Commands) => Promise<T>): Promise<T> {
  const ledger = await openRedis(url);
  try {
    return await work(ledger, createCommands(systemClock));
  } finally {
    await ledger.close();
  }
}

async function issueFull(ledger: Ledger, commands: Commands, taskId: TaskId, count: number): Promise<void> {
  const issueOne = async (index: number): Promise<void> => {
    const intent = commands.intent(taskId);
    const limits = [
      { limit: "liveLeasesPerTask", counter: `task:${taskId}:ledger-read`, max: 1_000_000 },
      { limit: "liveLeasesPerAgent", counter: `agent:invoice-bot-${homeOfId(taskId)}`, max: 1_000_000 },
    ];
    valueOf(await ledger.recordIntent({ ...intent, limits }));
    const completion = commands.completion(intent.lease.id, addMillis(systemClock.now(), dayMillis + index));
    const fingerprint = brand<Fingerprint>(randomBytes(32).toString("base64url"));
    valueOf(await ledger.completeMint({ ...completion, fingerprint }));
  };
  await Promise.all(Array.from({ length: count }, (_, index) => issueOne(index)));
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
}
