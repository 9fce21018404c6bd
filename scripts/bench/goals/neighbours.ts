/** G16: whether the kills of other targets notice that one target hangs, fails or is rate-limited. */
import { join } from "node:path";
import type { Context } from "../context.ts";
import type { Figure, Finding, Measured } from "../finding.ts";
import { troubles, type NeighbourTimes, type Trouble } from "../ledger/neighbours.ts";
import type { Goal } from "../options.ts";
import { ratiosOf, rotated, spreadOf } from "../statistics.ts";

type Times = Readonly<Record<Trouble, NeighbourTimes[]>>;

export const measureNeighbours = (context: Context): Promise<Measured> => {
  const folder = context.stage.folder();
  let files = 0;
  return measure(context, { goal: "G16", engine: "SQLite", place: () => join(folder, `${(files += 1)}.db`) });
};

export async function measureRedisNeighbours(context: Context): Promise<Measured> {
  const redis = await context.stage.start("redis.ts", "client");
  const port = await redis.ask<number>("start", "everysec");
  const place = async (): Promise<string> => {
    await redis.ask("flush", "everysec");
    return `redis://127.0.0.1:${port}`;
  };
  const measured = await measure(context, { goal: "G16r", engine: "Redis", place });
  await redis.stop();
  return measured;
}

interface On {
  readonly goal: Goal;
  readonly engine: string;
  /** Of an empty ledger. */
  readonly place: () => string | Promise<string>;
}

const warmWaves = 4;

async function measure(context: Context, on: On): Promise<Measured> {
  const actor = await context.stage.start("ledger.ts", "server");
  const times: Times = { none: [], hangs: [], fails: [], "is rate-limited": [] };
  // A process that just started compiles while it works.
  await actor.ask("timeNeighbours", { place: await on.place(), trouble: "none", waves: warmWaves });
  for (const round of context.rounds(`neighbours on ${on.engine}`, 2, 1)) {
    for (const trouble of rotated(troubles, round)) {
      const wish = { place: await on.place(), trouble, waves: context.size(15, 6) };
      times[trouble].push(await actor.ask<NeighbourTimes>("timeNeighbours", wish));
    }
  }
  await actor.stop();
  return resultOf(on, times);
}

/** Of our own choice: nobody else measures it. */
const mostRatio = 2;

function resultOf({ goal, engine }: On, times: Times): Measured {
  const p99 = (trouble: Trouble): readonly number[] => times[trouble].map(({ p99Millis }) => p99Millis);
  const findings = troubles
    .filter((trouble) => trouble !== "none")
    .map((trouble): Finding => ({
      goal,
      what: `others' kill p99 on ${engine} while a target ${trouble}`,
      against: "while all is well",
      unit: "x",
      value: ratiosOf(p99(trouble), p99("none")),
      bound: { atMost: mostRatio },
    }));
  const figures = troubles.map((trouble): Figure => ({
    name: `others' kill p99 on ${engine}, ${trouble === "none" ? "all is well" : `a target ${trouble}`}`,
    unit: "ms",
    value: spreadOf(p99(trouble)),
  }));
  return {
    findings,
    figures,
    notes: [
      `${goal}: every 100 ms a task ends that has 10 leases at each of three healthy targets and at a fourth; from the end to the recorded death.`,
    ],
  };
}
