/**
 * The peer's way with Redis: a BullMQ job for each lease, delayed until the lease ends, with the library's own settings.
 * A task that ends has its jobs promoted. Nothing of the broker is in it: no states, no audit, no fences.
 */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { createNodeHttpClient } from "../../../src/entry/node-http-client.ts";
import { millis } from "../../../src/kernel/time.ts";
import { serveActor } from "../actor.ts";

interface Lease {
  readonly leaseId: string;
  readonly handle: { readonly jti: string; readonly introspected: boolean };
}

const farMillis = 24 * 3_600_000;
/** They are added in less. */
const herdLeadMillis = 4_000;
const addedAtOnce = 1000;
const workersAtOnce = 64;
const connectionOf = (port: number) => ({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
const leaseOf = (index: number): Lease => {
  const leaseId = `lea_${String(index).padStart(21, "0")}`;
  return { leaseId, handle: { jti: leaseId, introspected: true } };
};

async function addDelayed(queue: Queue, count: number, delayOf: (index: number) => number): Promise<void> {
  for (let from = 0; from < count; from += addedAtOnce) {
    const jobs = Array.from({ length: Math.min(addedAtOnce, count - from) }, (_, at) => ({
      name: "revoke",
      data: leaseOf(from + at),
      opts: { delay: delayOf(from + at), removeOnComplete: true },
    }));
    await queue.addBulk(jobs);
  }
}

/** Does `work` for each job until `count` are done. */
async function untilDone(
  wish: { port: number; name: string; count: number; work: (data: Lease) => Promise<void> },
  begin: (queue: Queue) => Promise<void>,
): Promise<void> {
  const { port, name, count, work } = wish;
  const connection = connectionOf(port);
  const queue = new Queue(name, { connection });
  const done = Promise.withResolvers<void>();
  let left = count;
  const worker = new Worker<Lease>(name, async ({ data }) => work(data), { connection, concurrency: workersAtOnce });
  worker.on("completed", () => {
    left -= 1;
    if (left === 0) done.resolve();
  });
  worker.on("failed", (_, error) => done.reject(error));
  try {
    await worker.waitUntilReady();
    await begin(queue);
    await done.promise;
  } finally {
    await worker.close();
    await queue.close();
  }
}

/** The milliseconds from the order to the last death of one task's leases. */
async function timeKills({ port, sinkUrl, leases }: { port: number; sinkUrl: string; leases: number }) {
  const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: workersAtOnce });
  let startedAt = 0;
  const work = async ({ leaseId }: Lease): Promise<void> => {
    const url = `${sinkUrl}/${leaseId}`;
    const request = { method: "DELETE", url, headers: {}, timeout: millis(10_000), maxBytes: 1024 } as const;
    const answer = await http.send(request);
    if (!answer.ok || answer.value.status !== 204) throw new Error("the sink did not answer 204");
  };
  try {
    await untilDone({ port, name: "stock-kill", count: leases, work }, async (queue) => {
      await addDelayed(queue, leases, () => farMillis);
      startedAt = performance.now();
      await queue.promoteJobs();
    });
    return performance.now() - startedAt;
  } finally {
    await http.close();
  }
}

/** How late each of `count` jobs begins that fall due at a steady pace, over those that are not due. */
async function timeLateness(wish: {
  port: number;
  count: number;
  perSecond: number;
  leadMillisEach: number;
}): Promise<readonly number[]> {
  const { port, count, perSecond, leadMillisEach } = wish;
  const late: number[] = [];
  const wall = (): number => performance.timeOrigin + performance.now();
  const firstAt = Date.now() + 2000 + count * leadMillisEach;
  const dueAt = (index: number): number => Math.round(firstAt + (index * 1000) / perSecond);
  const work = async ({ leaseId }: Lease): Promise<void> => {
    late.push(wall() - dueAt(Number(leaseId.slice(4))));
  };
  await untilDone({ port, name: "stock-late", count, work }, (queue) =>
    addDelayed(queue, count, (index) => dueAt(index) - Date.now()),
  );
  return late;
}

/** The milliseconds from the instant at which all fall due to the last one's end. */
async function timeHerd({ port, count }: { port: number; count: number }): Promise<number> {
  const dueAt = Date.now() + herdLeadMillis;
  await untilDone({ port, name: "stock-herd", count, work: async () => {} }, (queue) =>
    addDelayed(queue, count, () => dueAt - Date.now()),
  );
  return Date.now() - dueAt;
}

/** Jobs that stay, in the queue that `timeLateness` looks at; the answer is how many bytes each takes. */
async function fill({ port, count }: { port: number; count: number }): Promise<number> {
  const client = new Redis(connectionOf(port));
  const queue = new Queue("stock-late", { connection: connectionOf(port) });
  try {
    const before = await usedMemory(client);
    await addDelayed(queue, count, (index) => farMillis + index);
    return ((await usedMemory(client)) - before) / count;
  } finally {
    await queue.close();
    client.disconnect();
  }
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
}

serveActor({ timeKills, timeLateness, timeHerd, fill });
