/** A process with a ledger in it: fills one, and times the verbs and the kill path on it. */
import { dirname } from "node:path";
import { createNodeHttpClient } from "../../../src/entry/node-http-client.ts";
import { nodeClock } from "../../../src/entry/node-clock.ts";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import { serveActor } from "../actor.ts";
import { measureBytes } from "../ledger/bytes.ts";
import { createCommands, issueLeases, openTask, valueOf } from "../ledger/commands.ts";
import { timeSyncs } from "../ledger/disk.ts";
import { createKillWorld, type Revoke } from "../ledger/kill-world.ts";
import { openLedger, populate } from "../ledger/populate.ts";
import { populateRedis } from "../ledger/populate-redis.ts";
import { measureRedisBytes } from "../ledger/redis-bytes.ts";
import { sitOutOutage } from "../ledger/outage.ts";
import { median } from "../statistics.ts";

const syncsAround = 15;
const attemptsAtATime = 64;
const requestTimeout = millis(10_000);
const hourMillis = 3_600_000;
const herdLeadMillis = 2_500;
const maxHerdLeadMillis = 20_000;

/** Ends each task, with the disk's own speed measured just before and after. */
async function timeKillOrders({ file, tasks }: { file: string; tasks: readonly TaskId[] }) {
  const ledger = await openLedger(file);
  const commands = createCommands(nodeClock);
  const dir = dirname(file);
  const results = [];
  try {
    for (const taskId of tasks) {
      const before = timeSyncs(dir, syncsAround);
      const startedAt = performance.now();
      valueOf(await ledger.endTask(commands.end(taskId)));
      const orderMillis = performance.now() - startedAt;
      results.push({ orderMillis, syncMillis: median([...before, ...timeSyncs(dir, syncsAround)]) });
    }
  } finally {
    await ledger.close();
  }
  return results;
}

/** One task's kill with a DELETE for each lease, and as many DELETEs by the same HTTP client alone. */
async function timeKills({ place, sinkUrl, leases }: { place: string; sinkUrl: string; leases: number }) {
  const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: attemptsAtATime });
  const send = async (name: string, signal?: AbortSignal): Promise<number> => {
    const request = { method: "DELETE", url: `${sinkUrl}/${name}`, headers: {}, timeout: requestTimeout } as const;
    const answer = await http.send({ ...request, maxBytes: 1024, ...(signal !== undefined && { signal }) });
    return answer.ok ? answer.value.status : 0;
  };
  let firstAt = 0;
  const world = await createKillWorld({
    place,
    revoke: async ({ lease, signal }) => {
      firstAt ||= performance.now();
      return (await send(lease.id, signal)) === 204 ? { kind: "dead-unverified" } : { kind: "retry", reason: "no" };
    },
  });
  try {
    const taskId = await openTask(world.ledger, world.commands);
    const expiresAt = addMillis(nodeClock.now(), hourMillis);
    await issueLeases(world.ledger, world.commands, { taskId, count: leases, expiresAt: () => expiresAt });
    world.pool.start();
    const startedAt = performance.now();
    const dead = world.dead(leases);
    valueOf(await world.ledger.endTask(world.commands.end(taskId)));
    await dead;
    const killedAt = performance.now();
    const bareMillis = await timeBare(leases, (index) => send(`bare-${index}`));
    return { killMillis: killedAt - startedAt, firstMillis: firstAt - startedAt, bareMillis };
  } finally {
    await world.close();
    await http.close();
  }
}

async function timeBare(count: number, send: (index: number) => Promise<number>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      if ((await send(next)) !== 204) throw new Error("the sink did not answer 204");
    }
  };
  await Promise.all(Array.from({ length: attemptsAtATime }, work));
  return performance.now() - startedAt;
}

/** Leases fall due one by one at a steady pace; the answer is how late each one's attempt began. */
async function timeLateness(wish: { place: string; count: number; perSecond: number; leadMillisEach: number }) {
  const { place, count, perSecond, leadMillisEach } = wish;
  const late: number[] = [];
  const startedAt = nodeClock.now();
  // The wall clock counts whole milliseconds; the parts of one are measured beside it.
  const wall = (): number => performance.timeOrigin + performance.now();
  const world = await createKillWorld({ place, revoke: noting((lease) => late.push(wall() - lease.expiresAt)) });
  try {
    world.pool.start();
    const taskId = await openTask(world.ledger, world.commands);
    // All are issued before the first of them falls due.
    const firstAt = addMillis(startedAt, 2000 + count * leadMillisEach);
    const expiresAt = (index: number) => addMillis(firstAt, (index * 1000) / perSecond);
    const dead = world.dead(count);
    await issueLeases(world.ledger, world.commands, { taskId, count, expiresAt });
    await dead;
    return late;
  } finally {
    await world.close();
  }
}

const noting =
  (note: (lease: Parameters<Revoke>[0]["lease"]) => void): Revoke =>
  async ({ lease }) => {
    note(lease);
    return { kind: "dead-unverified" };
  };

/** Many leases fall due in one millisecond; the answer is when the last one's end was durable. */
async function timeHerd({ place, count }: { place: string; count: number }): Promise<number> {
  const world = await createKillWorld({ place, revoke: noting(() => {}) });
  try {
    world.pool.start();
    const taskId = await openTask(world.ledger, world.commands);
    // A busy machine issues slower: a herd that was not complete in time dies uncounted, and a later one is measured.
    for (let lead = herdLeadMillis; lead <= maxHerdLeadMillis; lead *= 2) {
      const dueAt = addMillis(nodeClock.now(), lead);
      const dead = world.dead(count);
      await issueLeases(world.ledger, world.commands, { taskId, count, expiresAt: () => dueAt });
      const isComplete = nodeClock.now() < dueAt;
      await dead;
      if (isComplete) return nodeClock.now() - dueAt;
    }
    throw new Error("the machine is too busy to issue a herd in time");
  } finally {
    await world.close();
  }
}

serveActor({
  populate,
  timeSyncs: ({ dir, count }: { dir: string; count: number }) => timeSyncs(dir, count),
  timeKillOrders,
  timeKills,
  timeLateness,
  timeHerd,
  measureBytes,
  populateRedis,
  measureRedisBytes,
  sitOutOutage,
});
