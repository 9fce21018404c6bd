/**
 * G6: how long one issue takes at a quarter of the highest load, against what the disk and the CPU take for it at
 * least. Requests come when chance says; the client's own time is part of the figure.
 */
import { createClosedLoops, type ClosedLoops } from "../closed-loop.ts";
import type { Context } from "../context.ts";
import { generateKeyPair } from "../es256.ts";
import type { Measured } from "../finding.ts";
import type { LoadResult } from "../load-recipe.ts";
import type { Actor } from "../stage.ts";
import { median, ratiosOf, spreadOf } from "../statistics.ts";
import { startBroker, writePolicy } from "../world.ts";

interface Round {
  readonly issue: LoadResult;
  readonly bare: LoadResult;
  readonly floorMillis: number;
}

const loadPart = 0.25;

export async function measureLatency(context: Context): Promise<Measured> {
  const { stage } = context;
  const key = generateKeyPair("bench");
  const folder = stage.folder();
  const load = await stage.start("load.ts", "client");
  const disk = await stage.start("ledger.ts", "server");
  const bare = await stage.start("bare-server.ts", "server");
  const broker = await stage.start("broker.ts", "server");
  const wish = { policyDir: writePolicy(folder, key), dataDir: folder, key };
  const { tokenUrl, tasks } = await startBroker(broker, wish);
  const options = { dir: stage.folder(), publicJwk: key.publicJwk, remembers: false };
  const bareUrl = await bare.ask<string>("start", options);
  await load.ask("add", { name: "cold", url: tokenUrl, recipe: { kind: "exchange", key, tasks, fresh: true } });
  await load.ask("add", { name: "bare", url: bareUrl, recipe: { kind: "exchange", key, tasks: [], fresh: true } });

  context.say("latency: warming up");
  const loops = createClosedLoops(load);
  await closed(loops, "bare");
  for (let time = 0; time < context.size(5, 1); time += 1) await closed(loops, "cold");
  const { perSecond: highest } = await closed(loops, "cold");
  const rounds: Round[] = [];
  const parts = { load, loops, disk, bare, perSecond: highest * loadPart, folder };
  for (const round of context.rounds("latency", 5, 2)) rounds.push(await measureRound(context, { ...parts, round }));
  await Promise.all([load, disk, bare, broker].map((actor) => actor.stop()));
  return resultOf(rounds, highest * loadPart);
}

const margin = 1.5;

async function closed(loops: ClosedLoops, name: string): Promise<LoadResult> {
  await loops.prepare(name, 1);
  return loops.run(name, 1);
}

async function measureRound(
  context: Context,
  parts: {
    load: Actor;
    loops: ClosedLoops;
    disk: Actor;
    bare: Actor;
    perSecond: number;
    round: number;
    folder: string;
  },
): Promise<Round> {
  const { load, loops, disk, bare, perSecond, round, folder } = parts;
  const seconds = context.size(5, 1.5);
  const seed = context.options.seed + round;
  const openLoop = async (name: string): Promise<LoadResult> => {
    await load.ask("make", { name, count: perSecond * seconds * margin });
    return load.ask<LoadResult>("open", { name, perSecond, seconds, seed });
  };
  const syncs = await disk.ask<readonly number[]>("timeSyncs", { dir: folder, count: context.size(300, 100) });
  const before = await bare.ask<NodeJS.CpuUsage>("usage");
  const full = await closed(loops, "bare");
  const after = await bare.ask<NodeJS.CpuUsage>("usage");
  const cpuMillis = (after.user + after.system - before.user - before.system) / 1000 / full.answered;
  const issue = await openLoop("cold");
  return { issue, bare: await openLoop("bare"), floorMillis: 2 * median(syncs) + cpuMillis };
}

function resultOf(rounds: readonly Round[], perSecond: number): Measured {
  const floors = rounds.map(({ floorMillis }) => floorMillis);
  const p50 = rounds.map(({ issue }) => issue.p50Millis);
  const p99 = rounds.map(({ issue }) => issue.p99Millis);
  const against = "2 fdatasync and the CPU of one issue";
  const ms = (name: string, values: readonly number[]) => ({ name, unit: "ms", value: spreadOf(values) });
  return {
    findings: [
      {
        goal: "G6",
        what: "issue p50 at 25 % load",
        against,
        unit: "x",
        value: ratiosOf(p50, floors),
        bound: { atMost: 1.5 },
      },
      {
        goal: "G6",
        what: "issue p99 at 25 % load",
        against,
        unit: "x",
        value: ratiosOf(p99, floors),
        bound: { atMost: 6 },
      },
    ],
    figures: [
      ms("issue p50 at 25 % load", p50),
      ms("issue p99 at 25 % load", p99),
      ms(
        "speed-of-light server p50 at the same load",
        rounds.map(({ bare }) => bare.p50Millis),
      ),
      ms(
        "speed-of-light server p99 at the same load",
        rounds.map(({ bare }) => bare.p99Millis),
      ),
      ms("2 fdatasync and the CPU of one issue", floors),
    ],
    notes: [`G6: Poisson arrivals at ${Math.round(perSecond)}/s; the client's own 0.2 to 0.9 ms count in.`],
  };
}
