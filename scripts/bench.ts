/**
 * `npm run bench`: what the broker does on this machine, as ratios to what the machine can do and to a peer. Measures
 * nothing that it did not start itself, and leaves nothing behind.
 */
import { canPin, machineFacts, redisVersion } from "./bench/machine.ts";
import type { Context } from "./bench/context.ts";
import type { Measured } from "./bench/finding.ts";
import { measureEdge } from "./bench/goals/edge.ts";
import { measureIssue } from "./bench/goals/issue.ts";
import { measureKill } from "./bench/goals/kill.ts";
import { measureLatency } from "./bench/goals/latency.ts";
import { measureNeighbours, measureRedisNeighbours } from "./bench/goals/neighbours.ts";
import { measureRedisBytes } from "./bench/goals/redis-bytes.ts";
import { measureRedisIssue } from "./bench/goals/redis-issue.ts";
import { measureRedisKill } from "./bench/goals/redis-kill.ts";
import { measureRedisSize } from "./bench/goals/redis-size.ts";
import { measureSize } from "./bench/goals/size.ts";
import { measureBytes, measureOutage } from "./bench/goals/state.ts";
import { help, needsRedis, parseOptions, type BenchOptions, type Goal } from "./bench/options.ts";
import { formatReport, writeJson } from "./bench/report.ts";
import { createRounds } from "./bench/rounds.ts";
import { createStage } from "./bench/stage.ts";
import { tmpdir } from "node:os";

interface Part {
  readonly goals: readonly Goal[];
  /** After which no new round begins; a fifth of it in a quick run, five times as much in a large one. */
  readonly seconds: number;
  readonly measure: (context: Context) => Promise<Measured>;
}

const parts: readonly Part[] = [
  { goals: ["G1", "G2", "G3", "G4"], seconds: 110, measure: measureIssue },
  { goals: ["G6"], seconds: 50, measure: measureLatency },
  { goals: ["G8"], seconds: 25, measure: measureKill },
  { goals: ["G7", "G10", "G11", "G12"], seconds: 70, measure: measureSize },
  { goals: ["G13"], seconds: 5, measure: measureBytes },
  { goals: ["G14"], seconds: 10, measure: measureOutage },
  { goals: ["G16"], seconds: 20, measure: measureNeighbours },
  { goals: ["G9e"], seconds: 90, measure: measureEdge },
  { goals: ["G9r"], seconds: 90, measure: measureRedisIssue },
  { goals: ["G9r"], seconds: 40, measure: measureRedisKill },
  { goals: ["G13r"], seconds: 10, measure: measureRedisBytes },
  { goals: ["G7r", "G10r", "G11r", "G12r"], seconds: 150, measure: measureRedisSize },
  { goals: ["G16r"], seconds: 20, measure: measureRedisNeighbours },
];

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "number") return options;
  const stage = createStage({ pinned: canPin(), dir: options.dir });
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    isStopping = true;
    process.stderr.write(`bench: ${signal}, stopping\n`);
    void stage.close().finally(() => process.exit(130));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const startedAt = performance.now();
  const leavesOutRedis = options.only.some(needsRedis) && redisVersion() === null;
  if (leavesOutRedis) process.stderr.write("bench: no redis-server here; goals with an r are left out\n");
  const context: Omit<Context, "rounds"> = {
    stage,
    options,
    size: (full, quick) => (options.quick ? quick : full),
    wants: (goal) => options.only.includes(goal) && !(leavesOutRedis && needsRedis(goal)),
    say: (text) => void process.stderr.write(`[${seconds(startedAt).toFixed(0).padStart(4)} s] ${text}\n`),
  };
  try {
    const { measured, failed } = await measureAll(context, () => isStopping);
    if (isStopping) return 130;
    const report = {
      machine: machineFacts(options.dir ?? tmpdir(), stage.pinned),
      quick: options.quick,
      large: options.large,
      seed: options.seed,
      seconds: seconds(startedAt),
      findings: measured.flatMap(({ findings }) => findings),
      figures: measured.flatMap(({ figures }) => figures),
      notes: measured.flatMap(({ notes }) => notes),
    };
    process.stdout.write(formatReport(report));
    if (options.jsonFile !== null) writeJson(options.jsonFile, report);
    return failed === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
}

/** A part that fails is named in the report, and keeps nobody else from being measured. */
async function measureAll(context: Omit<Context, "rounds">, isStopping: () => boolean) {
  const measured: Measured[] = [];
  let failed = 0;
  for (const part of parts.filter(({ goals }) => goals.some(context.wants))) {
    if (isStopping()) break;
    try {
      measured.push(await measure(part, context));
    } catch (error) {
      // What is under way fails when its actors are ended: not news.
      if (isStopping()) break;
      failed += 1;
      const why = error instanceof Error ? error.message : "no reason";
      process.stderr.write(`bench: ${part.goals.join(", ")} failed: ${why}\n`);
      measured.push({ findings: [], figures: [], notes: [`Not measured, for it failed: ${part.goals.join(", ")}.`] });
      // Its actors would be in the way of the others'.
      await context.stage.close();
    }
  }
  return { measured, failed };
}

/** Each part in its own share of the time. */
async function measure(part: Part, context: Omit<Context, "rounds">): Promise<Measured> {
  const { quick, large } = context.options;
  const endsAt = performance.now() + part.seconds * (quick ? 200 : large ? 5000 : 1000);
  const { rounds, notes } = createRounds({ endsAt, quick, say: context.say });
  const measured = await part.measure({ ...context, rounds });
  return { ...measured, notes: [...measured.notes, ...notes] };
}

const seconds = (startedAt: number): number => (performance.now() - startedAt) / 1000;

function readOptions(): BenchOptions | number {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (!options.help) return options;
    process.stdout.write(help);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : "bad option"}\n\n${help}`);
    return 2;
  }
}

process.exitCode = await main();
