/** G8: how fast the credentials of a killed task die at their system, against its HTTP client doing nothing else. */
import { join } from "node:path";
import type { Context } from "../context.ts";
import type { Measured } from "../finding.ts";
import { ratiosOf, spreadOf } from "../statistics.ts";

const leases = 10_000;

interface KillTimes {
  readonly killMillis: number;
  readonly firstMillis: number;
  readonly bareMillis: number;
}

export async function measureKill(context: Context): Promise<Measured> {
  const sink = await context.stage.start("sink.ts", "client");
  const actor = await context.stage.start("ledger.ts", "server");
  const sinkUrl = await sink.ask<string>("start");
  const dir = context.stage.folder();
  const kill = (name: string): Promise<KillTimes> =>
    actor.ask("timeKills", { place: join(dir, `${name}.db`), sinkUrl, leases });
  context.say("kill: warming up");
  await kill("warm");
  const times: KillTimes[] = [];
  for (const round of context.rounds("kill", 7, 2)) times.push(await kill(String(round)));
  await Promise.all([actor.stop(), sink.stop()]);
  const kills = times.map(({ killMillis }) => (leases * 1000) / killMillis);
  const bare = times.map(({ bareMillis }) => (leases * 1000) / bareMillis);
  const value = ratiosOf(kills, bare);
  const what = "revocations of a killed task, each a DELETE";
  return {
    findings: [{ goal: "G8", what, against: "bare HTTP client", unit: "x", value, bound: { atLeast: 0.75 } }],
    figures: [
      { name: "revocations of a killed task", unit: "/s", value: spreadOf(kills) },
      { name: "the same HTTP client alone", unit: "/s", value: spreadOf(bare) },
      {
        name: "task end to the first DELETE",
        unit: "ms",
        value: spreadOf(times.map(({ firstMillis }) => firstMillis)),
      },
    ],
    notes: ["G8: 10,000 leases of one task, 64 DELETEs under way on loopback, every verdict durable."],
  };
}
