/** G13: what a lease costs on disk. G14: whether a long outage makes the broker give anything up. */
import type { Context } from "../context.ts";
import type { Measured } from "../finding.ts";
import type { LeaseBytes } from "../ledger/bytes.ts";
import type { OutageResult } from "../ledger/outage.ts";
import { memoryFolder } from "../stage.ts";
import { spreadOf } from "../statistics.ts";

export async function measureBytes(context: Context): Promise<Measured> {
  context.say("bytes of a lease");
  const actor = await context.stage.start("ledger.ts", "server");
  const wish = { dir: context.stage.folder(), leases: context.size(50_000, 20_000) };
  const bytes = await actor.ask<LeaseBytes>("measureBytes", wish);
  await actor.stop();
  const value = spreadOf([bytes.diskBytes / bytes.recordBytes]);
  const figure = (name: string, count: number) => ({ name, unit: "bytes", value: spreadOf([Math.round(count)]) });
  return {
    findings: [
      {
        goal: "G13",
        what: "bytes of an outstanding lease with its indexes",
        against: "its record alone",
        unit: "x",
        value,
        bound: { atMost: 1.5 },
      },
    ],
    figures: [
      figure("outstanding lease with its indexes", bytes.diskBytes),
      figure("its record alone", bytes.recordBytes),
      figure("audit entries of its issue, which stay", bytes.auditBytes),
    ],
    notes: [],
  };
}

export async function measureOutage(context: Context): Promise<Measured> {
  const days = context.size(7, 1);
  const leases = context.size(500, 200);
  context.say(`outage of ${days} virtual days`);
  const actor = await context.stage.start("ledger.ts", "server");
  // Durability is not what is asked here, and a week of attempts is many commits.
  const wish = { dir: context.stage.folder(memoryFolder()), leases, days };
  const result = await actor.ask<OutageResult>("sitOutOutage", wish);
  await actor.stop();
  const what = `revocations given up after an outage of ${days} days (virtual), of ${leases}`;
  return {
    findings: [
      { goal: "G14", what, against: null, unit: "count", value: spreadOf([result.givenUp]), bound: { atMost: 0 } },
    ],
    figures: [
      { name: "attempts during the outage and after", unit: "", value: spreadOf([result.attempts]) },
      {
        name: "end of the outage to the last lease dead (virtual)",
        unit: "s",
        value: spreadOf([result.recoveredAfterMillis / 1000]),
      },
    ],
    notes: [],
  };
}
