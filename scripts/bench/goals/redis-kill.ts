/** G9, killing: the leases of an ended task on Redis, on SQLite, and as the peer does it with a BullMQ job for each. */
import { join } from "node:path";
import type { Context } from "../context.ts";
import type { Finding, Measured } from "../finding.ts";
import { ratiosOf, rotated, spreadOf } from "../statistics.ts";
import { fsyncs, type Fsync } from "./redis-issue.ts";

const names = ["sqlite", "everysec", "always", "stock everysec", "stock always"] as const;
type Name = (typeof names)[number];

export async function measureRedisKill(context: Context): Promise<Measured> {
  const { stage } = context;
  const leases = context.size(5_000, 2_000);
  const sink = await stage.start("sink.ts", "client");
  const redis = await stage.start("redis.ts", "client");
  const stock = await stage.start("stock-queue.ts", "server");
  const actor = await stage.start("ledger.ts", "server");
  const sinkUrl = await sink.ask<string>("start");
  const ports = new Map<Fsync, number>();
  for (const fsync of fsyncs) ports.set(fsync, await redis.ask<number>("start", fsync));
  const dir = stage.folder();
  let files = 0;
  const killAt = async (place: string): Promise<number> => {
    const { killMillis } = await actor.ask<{ killMillis: number }>("timeKills", { place, sinkUrl, leases });
    return killMillis;
  };
  const kills: Readonly<Record<Name, () => Promise<number>>> = {
    sqlite: () => killAt(join(dir, `${(files += 1)}.db`)),
    everysec: () => killAt(`redis://127.0.0.1:${ports.get("everysec")}`),
    always: () => killAt(`redis://127.0.0.1:${ports.get("always")}`),
    "stock everysec": () => stock.ask("timeKills", { port: ports.get("everysec"), sinkUrl, leases }),
    "stock always": () => stock.ask("timeKills", { port: ports.get("always"), sinkUrl, leases }),
  };
  const rates: Record<Name, number[]> = {
    sqlite: [],
    everysec: [],
    always: [],
    "stock everysec": [],
    "stock always": [],
  };
  // A quick run leaves out what moves the least.
  const measured = names.filter((name) => !context.options.quick || !name.endsWith("always"));
  const kill = async (name: Name): Promise<number> => {
    const killMillis = await kills[name]();
    for (const fsync of fsyncs) await redis.ask("flush", fsync);
    return (leases * 1000) / killMillis;
  };
  context.say("kill on Redis: warming up");
  for (const name of measured) await kill(name);
  for (const round of context.rounds("kill on Redis", 3, 1))
    for (const name of rotated(measured, round)) rates[name].push(await kill(name));
  await Promise.all([actor, stock, sink, redis].map((each) => each.stop()));
  return resultOf(rates, measured, leases);
}

function resultOf(rates: Readonly<Record<Name, number[]>>, measured: readonly Name[], leases: number): Measured {
  const compare = (fsync: Fsync, against: Name, text: string, atLeast: number): readonly Finding[] => {
    if (!measured.includes(fsync)) return [];
    const finding = {
      goal: "G9r",
      what: `kills on Redis, ${fsync}`,
      against: text,
      unit: "x",
      value: ratiosOf(rates[fsync], rates[against]),
      bound: { atLeast },
    } as const;
    return [finding];
  };
  return {
    findings: [
      ...compare("everysec", "sqlite", "on SQLite", 0.8),
      ...compare("always", "sqlite", "on SQLite", 0.8),
      ...compare("everysec", "stock everysec", "a BullMQ job per lease, promoted", 3.2),
      ...compare("always", "stock always", "a BullMQ job per lease, promoted", 3.2),
    ],
    figures: measured.map((name) => ({ name: `kills, ${name}`, unit: "/s", value: spreadOf(rates[name]) })),
    notes: [
      `G9r, kill: ${leases} leases of one task, a DELETE on loopback each, every verdict written and audited; the peer writes none.`,
    ],
  };
}
