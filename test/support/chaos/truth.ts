/**
 * What is true when the dust has settled: what the nodes say of each lease, what the OAuth server says of each token
 * that it ever gave out, and what the audit says of the order of gates and activations.
 */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import type { LeaseAnswer, TaskAnswer } from "../../../src/http/schemas/task.ts";
import type { AuditLine, Client } from "../crash/client.ts";
import type { Truth } from "../crash/truth.ts";
import type { World } from "../crash/world.ts";
import { readStoredLease } from "../redis-lease-row.ts";

const boundMillis = 60_000;
const paceMillis = 50;

export async function readTruth(world: World, people: () => Client, masterPorts: readonly number[]): Promise<Truth> {
  const audit = await people().audit();
  const taskIds = audit.flatMap(({ type, task_id }) => (type === "task.opened" ? [task_id ?? ""] : []));
  const reports = new Map<string, LeaseAnswer>();
  const openTasks: string[] = [];
  for (const taskId of new Set(taskIds)) {
    const task = await untilQuiet(people, taskId);
    if (task.state === "open") openTasks.push(taskId);
    for (const lease of task.leases) reports.set(lease.lease_id, lease);
  }
  const recorded = await recordedTokens(masterPorts);
  const living = new Map((await alive(world, world.issued)).map(({ token, until }) => [token, until]));
  const printOf = (token: string): string => createHash("sha256").update(token).digest("base64url");
  return {
    reports,
    living,
    openTasks,
    leaseOf: new Map(world.issued.map((token) => [token, recorded.get(printOf(token))])),
  };
}

export async function alive(world: World, tokens: readonly string[]) {
  const answers = await Promise.all(
    tokens.map(async (token) => {
      const until = await world.aliveUntil(token);
      return until === null ? [] : [{ token, until }];
    }),
  );
  return answers.flat();
}

/** When the last of them was dead, or null where some still lived at the bound. */
export async function allDeadAt(world: World, tokens: readonly string[]): Promise<number | null> {
  const bound = performance.now() + boundMillis;
  let left = tokens;
  while (left.length > 0) {
    left = (await alive(world, left)).map(({ token }) => token);
    if (left.length > 0 && performance.now() > bound) return null;
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, paceMillis));
  }
  return performance.now();
}

async function untilQuiet(people: () => Client, taskId: string): Promise<TaskAnswer> {
  const bound = performance.now() + boundMillis;
  for (let waitSeconds = 0; ; waitSeconds = 1) {
    const { status, body: task } = await people().readTask(taskId, waitSeconds);
    const restless = status === 200 ? task.leases.filter(isRestless) : [{ status }];
    if (restless.length === 0) return task;
    if (performance.now() > bound) throw new Error(`${taskId} stays restless: ${JSON.stringify(restless)}`);
    if (status !== 200) await new Promise((resolve) => setTimeout(resolve, paceMillis));
  }
}

const isRestless = ({ state, verdict }: LeaseAnswer): boolean => state === "intended" || verdict === "pending";

/** SHA-256 of each token whose mint was completed, with its lease: as the ledger holds it. */
async function recordedTokens(masterPorts: readonly number[]): Promise<ReadonlyMap<string, string>> {
  const recorded = new Map<string, string>();
  for (const port of masterPorts) {
    const client = new Redis({ host: "127.0.0.1", port });
    for await (const keys of client.scanStream({ match: "*:lease:*", count: 1000 }) as AsyncIterable<string[]>)
      for (const key of keys) {
        const { id, fingerprint } = await readStoredLease(client, key);
        if (fingerprint !== null) recorded.set(fingerprint, id);
      }
    client.disconnect();
  }
  return recorded;
}

/** Activations that the ledger wrote after the end of their task; sequences of one task are those of one shard. */
export function activatedAfterEnd(audit: readonly AuditLine[]): readonly string[] {
  const endOf = new Map<string | null, number>();
  for (const { type, task_id, sequence } of audit) if (type === "task.ended") endOf.set(task_id, sequence);
  return audit.flatMap(({ type, task_id, sequence }) => {
    const ended = endOf.get(task_id);
    if (type !== "lease.activated" || ended === undefined || sequence < ended) return [];
    return [`${task_id} ended at ${ended}, and a lease of it was activated at ${sequence}`];
  });
}
