/**
 * What must not depend on size on Redis. G10: how late a lease's end is begun, beside BullMQ's delayed jobs. G11: a herd that
 * falls due in one millisecond. G12: workers that die and start. G7: very many leases of one task killed.
 */
import type { Context } from "../context.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import { percentile, ratiosOf, spreadOf } from "../statistics.ts";
import { measureRestarts, measureTakeover } from "./redis-restart.ts";
import { countText, fillRedis, urlOf, type RedisParts, type Standing, type StandingSize } from "./redis-standing.ts";

const perSecond = 250;
const thousand = 1000;
/** Beyond this the queue's own figure is not taken again: it is the same at all sizes, and filling it takes minutes. */
const largestStock = 100 * thousand;

const sizeOf = (live: number, overdue: number, bigLeases: number, doomedLeases: number): StandingSize => ({
  live: live * thousand,
  overdue: overdue * thousand,
  bigLeases: bigLeases * thousand,
  doomedLeases: doomedLeases * thousand,
});
const sizes = {
  quick: [sizeOf(10, 10, 5, 2)],
  full: [sizeOf(10, 10, 10, 10), sizeOf(100, 20, 100, 10)],
  large: [sizeOf(1000, 100, 100, 10)],
};

export async function measureRedisSize(context: Context): Promise<Measured> {
  const { stage, options } = context;
  const sink = await stage.start("sink.ts", "client");
  const redis = await stage.start("redis.ts", "client");
  const stock = await stage.start("stock-queue.ts", "server");
  const ledger = await stage.start("ledger.ts", "server");
  const parts = { context, redis, stock, ledger, port: await redis.ask<number>("start", "everysec") };
  const sinkUrl = await sink.ask<string>("start");
  const measured: Measured[] = [];
  if (context.wants("G11r")) measured.push(await measureHerd(parts));
  const asked = options.quick ? sizes.quick : sizes.full;
  for (const size of options.large ? [...asked, ...sizes.large] : asked) {
    if (!(["G7r", "G10r", "G12r"] as const).some(context.wants)) break;
    const standing = await fillRedis(parts, size);
    if (context.wants("G10r")) measured.push(await measureLateness(standing));
    if (context.wants("G12r")) measured.push(await measureTakeover(standing));
    // Before the restarts, which leave overdue leases behind.
    if (context.wants("G7r")) measured.push(await measureBigKill(standing, sinkUrl));
    measured.push(await measureSlowest(standing, "since it was filled"));
    if (context.wants("G12r"))
      measured.push(await measureRestarts(standing), await measureSlowest(standing, "at starts"));
    measured.push(filled(standing));
  }
  await Promise.all([ledger, stock, redis, sink].map((actor) => actor.stop()));
  return {
    findings: measured.flatMap(({ findings }) => findings),
    figures: measured.flatMap(({ figures }) => figures),
    notes: [...measured.flatMap(({ notes }) => notes), ...sizeNotes],
  };
}

const sizeNotes = [
  "G7r to G12r: appendfsync everysec. Leases that only stand there are copies of issued ones, written in the server by the engine's own Lua, without audit entries.",
  "G12r: where the only worker dies, half of a task's kills are done. A stock BullMQ queue takes 58 s by its settings alone (lock and stalled check), and is not waited for.",
  `G10r: BullMQ's delayed jobs are measured up to ${countText(largestStock)}; they are as late at every size.`,
];

async function measureLateness({ parts, live }: Standing): Promise<Measured> {
  const { context, ledger, stock, port } = parts;
  const count = perSecond * context.size(6, 3);
  const wish = { place: urlOf(parts), perSecond, leadMillisEach: 2, count };
  const isCompared = live <= largestStock;
  if (isCompared) await stock.ask("fill", { port, count: live });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (const _ of context.rounds(`lateness on Redis, ${countText(live)}`, 1, 1)) {
    ours.push(percentile(await ledger.ask<readonly number[]>("timeLateness", wish), 0.99));
    if (isCompared)
      theirs.push(percentile(await stock.ask<readonly number[]>("timeLateness", { ...wish, port }), 0.99));
  }
  const finding = { goal: "G10r", what: `lateness p99, 250/s, ${countText(live)} live, on Redis` } as const;
  const absolute: Finding = { ...finding, against: null, unit: "ms", value: spreadOf(ours), bound: { atMost: 12 } };
  if (!isCompared) return { findings: [absolute], figures: [], notes: [] };
  const value = ratiosOf(ours, theirs);
  const name = `lateness p99 of BullMQ's delayed jobs, ${countText(live)}`;
  return {
    findings: [absolute, { ...finding, against: "delayed jobs", unit: "x", value, bound: { atMost: 1 / 8 } }],
    figures: [{ name, unit: "ms", value: spreadOf(theirs) }],
    notes: [],
  };
}

const herd = { full: 9_600, quick: 3_200 };

async function measureHerd({ context, redis, ledger, stock, port }: RedisParts): Promise<Measured> {
  const count = context.size(herd.full, herd.quick);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (const _ of context.rounds("herd on Redis", 1, 1)) {
    ours.push(await ledger.ask<number>("timeHerd", { place: `redis://127.0.0.1:${port}`, count }));
    await redis.ask("flush", "everysec");
    theirs.push(await stock.ask<number>("timeHerd", { port, count }));
    await redis.ask("flush", "everysec");
  }
  const what = `${count} leases due in one ms, all ended, on Redis (provider answers at once)`;
  const value = ratiosOf(ours, theirs);
  return {
    findings: [{ goal: "G11r", what, against: "delayed jobs", unit: "x", value, bound: { atMost: 0.1 } }],
    figures: [
      { name: "herd on Redis", unit: "ms", value: spreadOf(ours) },
      { name: "herd of BullMQ's delayed jobs", unit: "ms", value: spreadOf(theirs) },
    ],
    notes: [],
  };
}

interface BigKill {
  readonly orderMillis: number;
  readonly firstMillis: number;
  readonly killMillis: number;
  readonly dead: number;
  readonly blockedMillis: number;
}

const orderBoundMillis = 5;

async function measureBigKill({ parts, live, big, bigLeases }: Standing, sinkUrl: string): Promise<Measured> {
  const { context, ledger } = parts;
  context.say(`kill of ${bigLeases} leases on Redis, ${countText(live)} live`);
  const maxSeconds = context.options.large ? 180 : context.size(40, 8);
  const wish = { place: urlOf(parts), sinkUrl, task: big, leases: bigLeases, maxSeconds };
  const kill = await ledger.ask<BigKill>("timeBigKill", wish);
  const of = `${countText(bigLeases)} leases killed on Redis, ${countText(live)} live`;
  const figure = (name: string, unit: string, value: number): Figure => ({
    name: `${of}: ${name}`,
    unit,
    value: spreadOf([value]),
  });
  const isDone = kill.dead === bigLeases;
  return {
    findings: [
      {
        goal: "G7r",
        what: `kill order answered, ${of}`,
        against: null,
        unit: "ms",
        value: spreadOf([kill.orderMillis]),
        bound: { atMost: orderBoundMillis },
      },
    ],
    figures: [
      figure("first kill", "ms", kill.firstMillis),
      figure(isDone ? "all dead" : "given up waiting", "s", kill.killMillis / 1000),
      figure("kills", "/s", (kill.dead * 1000) / kill.killMillis),
      figure("longest turn of the worker's event loop", "ms", kill.blockedMillis),
    ],
    notes: isDone ? [] : [`${of}: ${kill.dead} were dead when the time was up.`],
  };
}

/** Of the scripts since Redis settled. */
async function measureSlowest({ parts, live }: Standing, when: string): Promise<Measured> {
  const slowest = await parts.redis.ask<number>("slowest", "everysec");
  const name = `longest script of Redis ${when}, ${countText(live)} live`;
  return { findings: [], figures: [{ name, unit: "ms", value: spreadOf([slowest]) }], notes: [] };
}

function filled({ live, fillSeconds }: Standing): Measured {
  const value = spreadOf([fillSeconds]);
  return { findings: [], figures: [{ name: `filling, ${countText(live)} live`, unit: "s", value }], notes: [] };
}
