/** How fast the leases of an ended task die at their system: a DELETE each, sent by the broker's own HTTP client. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createNodeHttpClient } from "../../../src/entry/node-http-client.ts";
import { systemClock } from "../../../src/entry/system-clock.ts";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import { issueLeases, openTask, valueOf } from "./commands.ts";
import { createKillWorld, type KillWorld } from "./kill-world.ts";

const attemptsAtATime = 64;
const requestTimeout = millis(10_000);
const longestSeconds = 60;
const hourMillis = 3_600_000;

interface Kill {
  /** Of the order until it was durable. */
  readonly orderMillis: number;
  readonly firstMillis: number;
  readonly killMillis: number;
  readonly dead: number;
  /** The longest that the process did nothing else. */
  readonly blockedMillis: number;
}

/** One task's kill, and as many DELETEs by the same HTTP client alone. */
export async function timeKills({ place, sinkUrl, leases }: { place: string; sinkUrl: string; leases: number }) {
  const system = await openSystem(place, sinkUrl);
  const { world } = system;
  try {
    const taskId = await openTask(world.ledger, world.commands);
    const expiresAt = addMillis(systemClock.now(), hourMillis);
    await issueLeases(world.ledger, world.commands, { tasks: [taskId], count: leases, expiresAt: () => expiresAt });
    const times = await timeEnd(system, { task: taskId, leases, maxSeconds: longestSeconds });
    if (times.dead < leases) throw new Error(`${times.dead} of ${leases} died in ${longestSeconds} s`);
    return { ...times, bareMillis: await timeBare(leases, (index) => system.send(`bare-${index}`)) };
  } finally {
    await system.close();
  }
}

/** The kill of a task that is there already; where it takes longer than `maxSeconds`, how many were dead by then. */
export async function timeBigKill(wish: {
  place: string;
  sinkUrl: string;
  task: TaskId;
  leases: number;
  maxSeconds: number;
}): Promise<Kill> {
  const system = await openSystem(wish.place, wish.sinkUrl);
  try {
    return await timeEnd(system, wish);
  } finally {
    await system.close();
  }
}

interface System {
  readonly world: KillWorld;
  readonly firstAt: () => number;
  readonly send: (name: string, signal?: AbortSignal) => Promise<number>;
  readonly close: () => Promise<void>;
}

async function openSystem(place: string, sinkUrl: string): Promise<System> {
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
  return {
    world,
    firstAt: () => firstAt,
    send,
    async close() {
      await world.close();
      await http.close();
    },
  };
}

async function timeEnd(
  { world, firstAt }: System,
  wish: { task: TaskId; leases: number; maxSeconds: number },
): Promise<Kill> {
  world.pool.start();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const startedAt = performance.now();
  const dead = world.dead(wish.leases);
  valueOf(await world.ledger.endTask(world.commands.end(wish.task)));
  const orderMillis = performance.now() - startedAt;
  await within(wish.maxSeconds, dead);
  const killMillis = performance.now() - startedAt;
  delay.disable();
  const { byState } = await world.ledger.summarize(wish.task);
  return {
    orderMillis,
    firstMillis: firstAt() - startedAt,
    killMillis,
    dead: byState.revoked,
    blockedMillis: delay.max / 1e6,
  };
}

async function within(seconds: number, work: Promise<void>): Promise<void> {
  const { promise: outOfTime, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  await Promise.race([work, outOfTime]);
  clearTimeout(timer);
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
