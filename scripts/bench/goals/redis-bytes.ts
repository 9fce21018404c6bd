/** G13 on Redis: the memory of a lease beside that of a BullMQ delayed job. */
import type { Context } from "../context.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import type { LeaseBytes } from "../ledger/redis-bytes.ts";
import { spreadOf } from "../statistics.ts";

export async function measureRedisBytes(context: Context): Promise<Measured> {
  const { stage } = context;
  const redis = await stage.start("redis.ts", "client");
  const stock = await stage.start("stock-queue.ts", "server");
  const ledger = await stage.start("ledger.ts", "server");
  const port = await redis.ask<number>("start", "everysec");
  context.say("bytes of a lease in Redis");
  const count = context.size(20_000, 5_000);
  const url = `redis://127.0.0.1:${port}`;
  const bytes = await ledger.ask<LeaseBytes>("measureRedisBytes", { url, leases: count });
  await redis.ask("flush", "everysec");
  const jobBytes = await stock.ask<number>("fill", { port, count });
  await Promise.all([ledger, stock, redis].map((actor) => actor.stop()));
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
    value: spreadOf([bytes.all / jobBytes]),
    bound: { atMost: 0.4 },
  };
  return {
    findings: [finding],
    figures: [
      figure("outstanding lease in Redis", bytes.all),
      figure("a BullMQ delayed job", jobBytes),
      ...Object.entries(bytes.parts).map(([family, each]) => figure(`  of it: ${family}`, each)),
      figure("its audit entries, which stay for the retention", bytes.audit),
    ],
    notes: ["G13r: audit entries are not part of the ratio: they stay for the retention, and the peer has none."],
  };
}
