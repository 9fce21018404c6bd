/**
 * What an outstanding lease costs in a Redis server's memory. Leases are issued by the verbs, each with a fingerprint, a
 * counter of its task and a slot of its agent's; then one family of keys after the other is deleted, audit first, and what
 * the server frees is what that family took.
 */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { nodeClock } from "../../../src/entry/node-clock.ts";
import { brand } from "../../../src/kernel/brand.ts";
import type { Fingerprint } from "../../../src/kernel/digest.ts";
import { homeOfId, type TaskId } from "../../../src/kernel/ids.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createCommands, openTask, valueOf, type Commands } from "./commands.ts";
import { openRedis } from "./place.ts";

const leasesPerTask = 100;
const dayMillis = 24 * 3_600_000;

/** Bytes a lease, of every family. */
export type FamilyBytes = Readonly<Record<string, number>>;

const families: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["audit", /\}:(?:audit|hashes:.*|trail:.*)$/],
  ["row", /\}:lease:/],
  ["due index", /\}:due:/],
  ["leases of a task", /\}:leases:/],
  ["fingerprint", /\}:print:/],
  ["slots and counters", /\}:(?:slots:.*|counts)$/],
];

export async function measureRedisBytes({ url, leases }: { url: string; leases: number }): Promise<FamilyBytes> {
  const ledger = await openRedis(url);
  const commands = createCommands(nodeClock);
  for (let done = 0; done < leases; done += leasesPerTask)
    await issueFull(ledger, commands, await openTask(ledger, commands));
  await ledger.close();
  const client = new Redis(url);
  try {
    const keys = await client.keys("*");
    const bytes: Record<string, number> = {};
    for (const [name, pattern] of families) {
      const before = await usedMemory(client);
      const going = keys.filter((key) => pattern.test(key));
      for (let from = 0; from < going.length; from += 1000) await client.del(...going.slice(from, from + 1000));
      bytes[name] = (before - (await usedMemory(client))) / leases;
    }
    return bytes;
  } finally {
    client.disconnect();
  }
}

async function issueFull(ledger: Ledger, commands: Commands, taskId: TaskId): Promise<void> {
  const issueOne = async (index: number): Promise<void> => {
    const intent = commands.intent(taskId);
    const limits = [
      { limit: "liveLeasesPerTask", counter: `task:${taskId}:ledger-read`, max: 1_000_000 },
      { limit: "liveLeasesPerAgent", counter: `agent:invoice-bot-${homeOfId(taskId)}`, max: 1_000_000 },
    ];
    valueOf(await ledger.recordIntent({ ...intent, limits }));
    const completion = commands.completion(intent.lease.id, addMillis(nodeClock.now(), dayMillis + index));
    const fingerprint = brand<Fingerprint>(randomBytes(32).toString("base64url"));
    valueOf(await ledger.completeMint({ ...completion, fingerprint }));
  };
  await Promise.all(Array.from({ length: leasesPerTask }, (_, index) => issueOne(index)));
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
}
