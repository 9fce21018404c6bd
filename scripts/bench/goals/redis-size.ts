/**
 * What must not depend on size on Redis. G10: how late a lease's end is begun, beside BullMQ's delayed jobs. G12: a worker
 * that is killed and the next one. G13: the memory of a lease beside that of a delayed job.
 */
import type { TaskId } from "../../../src/kernel/ids.ts";
import type { Context } from "../context.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import type { FamilyBytes } from "../ledger/redis-bytes.ts";
import type { Actor } from "../stage.ts";
import { percentile, ratiosOf, spreadOf } from "../statistics.ts";

const perSecond = 250;
/** Of a process, over each number of leases. */
const restarts = 2;
const leasesPerTask = 10_000;

interface Parts {
  readonly context: Context;
  readonly redis: Actor;
  readonly stock: Actor;
  readonly ledger: Actor;
  readonly port: number;
}

export async function measureRedisSize(context: Context): Promise<Measured> {
  const { stage } = context;
  const redis = await stage.start("redis.ts", "client");
  const stock = await stage.start("stock-queue.ts", "server");
  const ledger = await stage.start("ledger.ts", "server");
  const parts = { context, redis, stock, ledger, port: await redis.ask<number>("start", "everysec") };
  const measured: Measured[] = [];
  if (context.wants("G13r")) measured.push(await measureMemory(parts));
  const sizes = context.options.quick ? [10_000] : [10_000, 100_000];
  for (const size of context.wants("G10r") || context.wants("G12r") ? sizes : []) {
    const doomed = await fill(parts, size);
    if (context.wants("G10r")) measured.push(await measureLateness(parts, size));
    if (context.wants("G12r")) measured.push(await measureRestart(parts, size, doomed));
  }
  await Promise.all([ledger, stock, redis].map((actor) => actor.stop()));
  return {
    findings: measured.flatMap(({ findings }) => findings),
    figures: measured.flatMap(({ figures }) => figures),
    notes: [
      ...measured.flatMap(({ notes }) => notes),
      "G10r to G13r: appendfsync everysec; leases that only stand there are copies of issued ones, made in the server.",
    ],
  };
}

const countText = (count: number): string => `${count / 1000}k`;
const urlOf = ({ port }: Parts): string => `redis://127.0.0.1:${port}`;

/** Answers tasks of 10 thousand more leases each, to be killed with a process. */
async function fill(parts: Parts, leases: number): Promise<readonly TaskId[]> {
  parts.context.say(`filling Redis with ${leases} leases`);
  await parts.redis.ask("flush", "everysec");
  const leaseCounts = Array.from({ length: leases / leasesPerTask + restarts }, () => leasesPerTask);
  const wish = { url: urlOf(parts), leaseCounts };
  return (await parts.ledger.ask<readonly TaskId[]>("populateRedis", wish)).slice(-restarts);
}

async function measureLateness(parts: Parts, outstanding: number): Promise<Measured> {
  const { context, ledger, stock, port } = parts;
  await stock.ask("fill", { port, count: outstanding });
  const count = perSecond * context.size(6, 4);
  const wish = { place: urlOf(parts), perSecond, leadMillisEach: 2 };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < context.size(2, 1); round += 1) {
    context.say(`lateness on Redis, ${countText(outstanding)}: round ${round + 1}`);
    const late = await ledger.ask<readonly number[]>("timeLateness", { ...wish, count });
    const stockLate = await stock.ask<readonly number[]>("timeLateness", { port, ...wish, count });
    ours.push(percentile(late, 0.99));
    theirs.push(percentile(stockLate, 0.99));
  }
  const what = `lateness p99, 250/s, ${countText(outstanding)} outstanding, on Redis`;
  const finding = { goal: "G10r", what } as const;
  return {
    findings: [
      { ...finding, against: null, unit: "ms", value: spreadOf(ours), bound: { atMost: 12 } },
      { ...finding, against: "delayed jobs", unit: "x", value: ratiosOf(ours, theirs), bound: { atMost: 1 / 8 } },
    ],
    figures: [
      { name: `lateness p99 of BullMQ's delayed jobs, ${countText(outstanding)}`, unit: "ms", value: spreadOf(theirs) },
    ],
    notes: [],
  };
}

async function measureRestart(parts: Parts, outstanding: number, doomed: readonly TaskId[]): Promise<Measured> {
  const { context } = parts;
  const firsts: number[] = [];
  for (const [round, task] of doomed.entries()) {
    context.say(`restart on Redis: round ${round + 1}`);
    firsts.push(await killAndRestart(parts, task));
  }
  const what = `kill -9 of a worker to the first overdue revocation of the next, on Redis, ${countText(outstanding)} leases`;
  return {
    findings: [{ goal: "G12r", what, against: null, unit: "ms", value: spreadOf(firsts), bound: { atMost: 5000 } }],
    figures: [],
    notes: [
      "G12r: 10k overdue leases, half of them done when the worker dies. A stock BullMQ queue takes 58 s by its settings alone (lock and stalled check), and is not waited for.",
    ],
  };
}

async function killAndRestart(parts: Parts, end: TaskId): Promise<number> {
  const { stage } = parts.context;
  const wish = { place: urlOf(parts), leases: leasesPerTask };
  const victim = await stage.start("doomed.ts", "server");
  const inTheMiddle = victim.next("half");
  await victim.ask("work", { ...wish, end });
  await inTheMiddle;
  const killedAt = performance.now();
  await victim.kill();
  const next = await stage.start("doomed.ts", "server");
  const first = next.next("first");
  await next.ask("work", { ...wish, end: null });
  await first;
  const elapsed = performance.now() - killedAt;
  await next.kill();
  return elapsed;
}

async function measureMemory(parts: Parts): Promise<Measured> {
  const { context, redis, ledger, stock, port } = parts;
  context.say("bytes of a lease in Redis");
  const count = context.size(20_000, 5_000);
  const bytes = await ledger.ask<FamilyBytes>("measureRedisBytes", { url: urlOf(parts), leases: count });
  await redis.ask("flush", "everysec");
  const jobBytes = await stock.ask<number>("fill", { port, count });
  await redis.ask("flush", "everysec");
  const lease = Object.entries(bytes).reduce((sum, [family, each]) => (family === "audit" ? sum : sum + each), 0);
  const figure = (name: string, value: number): Figure => ({
    name,
    unit: "bytes",
    value: spreadOf([Math.round(value)]),
  });
  const finding: Finding = {
    goal: "G13r",
    what: "memory of an outstanding lease in Redis, indexes and all",
    against: "a BullMQ delayed job",
    unit: "x",
    value: spreadOf([lease / jobBytes]),
    bound: { atMost: 0.4 },
  };
  return {
    findings: [finding],
    figures: [
      figure("outstanding lease in Redis", lease),
      figure("a BullMQ delayed job", jobBytes),
      ...Object.entries(bytes).map(([family, each]) => figure(`  of a lease: ${family}`, each)),
    ],
    notes: ["G13r: audit entries are not part of the ratio: they stay for the retention, and the peer has none."],
  };
}
