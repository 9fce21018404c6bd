/**
 * What the kills of other targets take while one target is in trouble. Tasks end at a steady pace; each has leases of
 * three healthy targets and of a fourth, which hangs, fails, or takes only so many requests a second.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/entry/system-clock.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import type { RevokeRequest } from "../../../src/ports/provider.ts";
import { percentile } from "../statistics.ts";
import { issueLeases, openTask, valueOf } from "./commands.ts";
import { createKillWorld } from "./kill-world.ts";

export const troubles = ["none", "hangs", "fails", "is rate-limited"] as const;
export type Trouble = (typeof troubles)[number];

const neighbours = ["calm-1", "calm-2", "calm-3"];
const troubled = "troubled";
const leasesOfEach = 10;
const paceMillis = 100;
const answerMillis = 5;
const limitPerSecond = 20;
const longestMillis = 30_000;
const hourMillis = 3_600_000;

export interface NeighbourTimes {
  readonly p50Millis: number;
  readonly p99Millis: number;
}

export async function timeNeighbours(wish: {
  place: string;
  trouble: Trouble;
  waves: number;
}): Promise<NeighbourTimes> {
  const { place, trouble, waves } = wish;
  const times: number[] = [];
  const wanted = waves * leasesOfEach * neighbours.length;
  const allDead = Promise.withResolvers<void>();
  const troubledAnswer = troubleOf(trouble);
  const world = await createKillWorld({
    place,
    revoke: (request) => (request.lease.provider === troubled ? troubledAnswer(request) : calmAnswer()),
    onDeath(provider, seconds) {
      if (provider !== troubled) times.push(seconds * 1000);
      if (times.length === wanted) allDead.resolve();
    },
  });
  const late = setTimeout(
    () => allDead.reject(new Error(`${times.length} of ${wanted} neighbours died`)),
    longestMillis,
  );
  try {
    const tasks = await Promise.all(Array.from({ length: waves }, () => openTask(world.ledger, world.commands)));
    const expiresAt = addMillis(systemClock.now(), hourMillis);
    const count = waves * leasesOfEach;
    for (const provider of [...neighbours, troubled])
      await issueLeases(world.ledger, world.commands, { tasks, count, provider, expiresAt: () => expiresAt });
    world.pool.start();
    for (const task of tasks) {
      valueOf(await world.ledger.endTask(world.commands.end(task)));
      await sleep(paceMillis);
    }
    await allDead.promise;
    return { p50Millis: percentile(times, 0.5), p99Millis: percentile(times, 0.99) };
  } finally {
    clearTimeout(late);
    await world.close();
  }
}

async function calmAnswer(): Promise<Verdict> {
  await sleep(answerMillis);
  return { kind: "dead-unverified" };
}

function troubleOf(trouble: Trouble): (request: RevokeRequest) => Promise<Verdict> {
  if (trouble === "none") return calmAnswer;
  if (trouble === "hangs") return ({ signal }) => untilAborted(signal);
  if (trouble === "fails") return async () => ({ kind: "retry", reason: "server_error" });
  let second = 0;
  let taken = 0;
  return async () => {
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, taken] = [now, 0];
    taken += 1;
    return taken <= limitPerSecond ? calmAnswer() : { kind: "retry", reason: "rate_limited", after: millis(1000) };
  };
}

const untilAborted = (signal: AbortSignal): Promise<Verdict> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ kind: "retry", reason: "timeout" }));
  });
