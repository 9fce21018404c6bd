/**
 * What must not depend on size, on one ledger with a million outstanding leases. G10: how late a lease's end is begun.
 * G11: a herd that falls due in one millisecond. G12: a broker that is killed and started again. G7: the order to kill
 * a task, last because it leaves orders behind that nobody walks.
 */
import type { TaskId } from "../../../src/kernel/ids.ts";
import { fillBigLedger, type BigLedger } from "../big-ledger.ts";
import type { Context } from "../context.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import { percentile, ratiosOf, spreadOf } from "../statistics.ts";

const perSecond = 250;
const herd = 10_000;

export async function measureSize(context: Context): Promise<Measured> {
  const big = await fillBigLedger(context);
  const measured: Measured[] = [];
  if (context.wants("G10")) measured.push(await measureLateness(context, big));
  if (context.wants("G11")) measured.push(await measureHerd(context, big));
  if (context.wants("G12")) measured.push(await measureRestart(context, big));
  if (context.wants("G7")) measured.push(await measureKillOrder(context, big));
  return {
    findings: measured.flatMap(({ findings }) => findings),
    figures: measured.flatMap(({ figures }) => figures),
    notes: [
      ...measured.flatMap(({ notes }) => notes),
      `A million leases: the engine's verbs wrote the tasks and one lease, the others are copies of its row, read back through the engine.`,
    ],
  };
}

async function measureLateness(context: Context, { file }: BigLedger): Promise<Measured> {
  const actor = await context.stage.start("ledger.ts", "server");
  const wish = { place: file, perSecond, leadMillisEach: 0.5 };
  const p50: number[] = [];
  const p99: number[] = [];
  for (const _ of context.rounds("lateness", 3, 1)) {
    const count = perSecond * context.size(8, 3);
    const late = await actor.ask<readonly number[]>("timeLateness", { ...wish, count });
    p50.push(percentile(late, 0.5));
    p99.push(percentile(late, 0.99));
  }
  await actor.stop();
  const what = "lateness of a lease's end, p99, 250/s, 1M outstanding";
  return {
    findings: [{ goal: "G10", what, against: null, unit: "ms", value: spreadOf(p99), bound: { atMost: 3 } }],
    figures: [{ name: "lateness of a lease's end, p50", unit: "ms", value: spreadOf(p50) }],
    notes: [],
  };
}

/** A tenth of what a stock queue needs for it, whose best was 885 ms. */
const herdBoundMillis = 88;

async function measureHerd(context: Context, { file }: BigLedger): Promise<Measured> {
  const actor = await context.stage.start("ledger.ts", "server");
  const times: number[] = [];
  for (const _ of context.rounds("herd", 5, 1))
    times.push(await actor.ask<number>("timeHerd", { place: file, count: herd }));
  await actor.stop();
  const what = "10k leases due in one ms, all durably ended (provider answers at once)";
  return {
    findings: [
      { goal: "G11", what, against: null, unit: "ms", value: spreadOf(times), bound: { atMost: herdBoundMillis } },
    ],
    figures: [],
    notes: ["G11's bound is a tenth of BullMQ's best on another machine."],
  };
}

async function measureRestart(context: Context, { file, doomed }: BigLedger): Promise<Measured> {
  const firsts: number[] = [];
  for (const round of context.rounds("restart", doomed.length, 1)) {
    const task = doomed[round];
    if (task !== undefined) firsts.push(await killAndRestart(context, file, task));
  }
  const what = "kill -9 to the first overdue revocation of the next process, 1M leases";
  return {
    findings: [{ goal: "G12", what, against: null, unit: "ms", value: spreadOf(firsts), bound: { atMost: 1000 } }],
    figures: [],
    notes: ["G12 includes the start of the new process."],
  };
}

async function killAndRestart(context: Context, file: string, end: TaskId): Promise<number> {
  const leases = 10_000;
  const victim = await context.stage.start("doomed.ts", "server");
  const inTheMiddle = victim.next("half");
  await victim.ask("work", { place: file, end, leases });
  await inTheMiddle;
  const killedAt = performance.now();
  await victim.kill();
  const next = await context.stage.start("doomed.ts", "server");
  const first = next.next("begun");
  await next.ask("work", { place: file, end: null, leases });
  await first;
  const elapsed = performance.now() - killedAt;
  await next.kill();
  return elapsed;
}

interface OrderTime {
  readonly orderMillis: number;
  readonly syncMillis: number;
}

async function measureKillOrder(context: Context, big: BigLedger): Promise<Measured> {
  context.say("kill orders");
  const actor = await context.stage.start("ledger.ts", "server");
  const findings: Finding[] = [];
  const figures: Figure[] = [];
  const rounds = 9;
  // Not rounds: a process that just started compiles while it works.
  await actor.ask("timeKillOrders", { file: big.file, tasks: big.tasksOf1.slice(rounds) });
  const sizes = [
    ["1 lease", big.tasksOf1.slice(0, rounds)],
    ["10k leases", big.tasksOf10k],
    ["100k leases", big.tasksOf100k],
  ] as const;
  for (const [name, tasks] of sizes) {
    const times = await actor.ask<readonly OrderTime[]>("timeKillOrders", { file: big.file, tasks });
    const orders = times.map(({ orderMillis }) => orderMillis);
    const syncs = times.map(({ syncMillis }) => syncMillis);
    figures.push({ name: `kill order, ${name}`, unit: "ms", value: spreadOf(orders) });
    figures.push({ name: `fdatasync p50 around it`, unit: "ms", value: spreadOf(syncs) });
    if (name === "1 lease") continue;
    const value = ratiosOf(orders, syncs);
    findings.push({
      goal: "G7",
      what: `durable kill order, ${name}`,
      against: "fdatasync",
      unit: "x",
      value,
      bound: { atMost: 2 },
    });
  }
  await actor.stop();
  return { findings, figures, notes: [] };
}
