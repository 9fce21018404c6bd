/**
 * G12 on Redis: workers that die and workers that start, over a number of leases that only stand there: what is left
 * undone is done again by the next process, by one that runs beside, and after everybody was away.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskId } from "../../../src/kernel/ids.ts";
import { addMillis, epochMillis } from "../../../src/kernel/time.ts";
import type { Context } from "../context.ts";
import { generateKeyPair } from "../es256.ts";
import type { Finding, Measured } from "../finding.ts";
import type { Filled } from "../ledger/populate-redis.ts";
import type { Actor } from "../stage.ts";
import { spreadOf } from "../statistics.ts";
import { brokerIssuer, writePolicy } from "../world.ts";
import { countText, leasesPerTask, urlOf, type Standing } from "./redis-standing.ts";

/** As many as one process holds at once, and some more. */
const heldTaskLeases = 80;
const worstMillis = 5_000;
const lookMillis = 10;

export async function measureRestarts(standing: Standing): Promise<Measured> {
  const { parts, live, overdue, doomed, doomedLeases } = standing;
  const { context } = parts;
  const next: number[] = [];
  for (const round of context.rounds("kill -9 and restart on Redis", doomed.length, 1)) {
    const task = doomed[round];
    if (task !== undefined)
      next.push(await killAndRestart(context, { place: urlOf(parts), leases: doomedLeases }, task));
  }
  context.say(`starts on Redis, ${countText(overdue)} overdue`);
  await addOverdue(standing);
  const ready = await startNode(context, urlOf(parts));
  const startedAt = performance.now();
  await firstKill(context, { place: urlOf(parts), leases: overdue });
  const firstMillis = performance.now() - startedAt;
  return {
    findings: [
      finding(live, "kill -9 of the only worker to the first overdue revocation of the next", next),
      finding(live, `start of a worker to its first kill, ${countText(overdue)} overdue`, [firstMillis]),
      finding(live, `start of an API node to its /readyz, ${countText(overdue)} overdue`, [ready]),
    ],
    figures: [],
    notes: [],
  };
}

const finding = (live: number, what: string, values: readonly number[]): Finding => ({
  goal: "G12r",
  what: `${what}, on Redis, ${countText(live)} live`,
  against: null,
  unit: "ms",
  value: spreadOf(values),
  bound: { atMost: worstMillis },
});

/** Before anything else is overdue: what both workers begin is counted. */
export async function measureTakeover(standing: Standing): Promise<Measured> {
  const times: number[] = [];
  for (const _ of standing.parts.context.rounds("takeover on Redis", 1, 1)) times.push(await takeOver(standing));
  const what = "kill -9 of a worker to the last of its kills begun again by another";
  return { findings: [finding(standing.live, what, times)], figures: [], notes: [] };
}

interface Wish {
  readonly place: string;
  readonly leases: number;
}

async function killAndRestart(context: Context, wish: Wish, end: TaskId): Promise<number> {
  const victim = await context.stage.start("doomed.ts", "server");
  const inTheMiddle = victim.next("half");
  await victim.ask("work", { ...wish, end });
  await inTheMiddle;
  const killedAt = performance.now();
  await victim.kill();
  await firstKill(context, wish);
  return performance.now() - killedAt;
}

/** Until a new worker began its first kill. */
async function firstKill(context: Context, wish: Wish): Promise<void> {
  const worker = await context.stage.start("doomed.ts", "server");
  const first = worker.next("begun");
  await worker.ask("work", { ...wish, end: null });
  await first;
  await worker.kill();
}

/** Two workers share a task's kills; those of the first hang, and it dies. */
async function takeOver({ parts }: Standing): Promise<number> {
  const { stage } = parts.context;
  const place = urlOf(parts);
  const { tasks } = await parts.ledger.ask<Filled>("populateRedis", { url: place, leaseCounts: [heldTaskLeases] });
  const wish = { place, leases: heldTaskLeases };
  const [victim, other] = [await stage.start("doomed.ts", "server"), await stage.start("doomed.ts", "server")];
  await victim.ask("work", { ...wish, leases: 2, hangs: true, end: tasks[0] });
  await until(async () => (await count(victim, "begun")) > 0);
  await other.ask("work", { ...wish, end: null });
  await until(async () => (await count(victim, "begun")) + (await count(other, "begun")) >= heldTaskLeases);
  const killedAt = performance.now();
  await victim.kill();
  await until(async () => (await count(other, "begun")) >= heldTaskLeases);
  const elapsed = performance.now() - killedAt;
  await until(async () => (await count(other, "died")) >= heldTaskLeases);
  await other.kill();
  return elapsed;
}

const count = (actor: Actor, of: "begun" | "died"): Promise<number> => actor.ask<number>(of);

/** A whole broker that only answers: how much stands in the ledger must not matter to it. */
async function startNode({ stage }: Context, ledger: string): Promise<number> {
  const folder = stage.folder();
  const policyDir = writePolicy(folder, generateKeyPair("bench"));
  const startedAt = performance.now();
  const broker = await stage.start("broker.ts", "server");
  const wish = { policyDir, dataDir: folder, ledger, issuer: brokerIssuer, role: "api" };
  const url = await broker.ask<string>("start", wish);
  await until(async () => (await fetch(`${url}/readyz`)).ok);
  const elapsed = performance.now() - startedAt;
  await broker.stop();
  return elapsed;
}

/** Leases end while no worker is there. */
async function addOverdue({ parts, overdue }: Standing): Promise<void> {
  const leaseCounts = Array.from({ length: overdue / leasesPerTask }, () => leasesPerTask);
  const dueAt = addMillis(epochMillis(Date.now()), 1000);
  await parts.ledger.ask("populateRedis", { url: urlOf(parts), leaseCounts, dueAt });
  await parts.redis.ask("settle", "everysec");
}

const longestMillis = 60_000;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + longestMillis;
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error("a worker of the bench did not come to its end");
    await sleep(lookMillis);
  }
}
