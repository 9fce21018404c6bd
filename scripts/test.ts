/**
 * Runs the checks and tests in stages and ends with one line of counts: `N passed, N failed[, N skipped]`.
 * A stage that fails does not stop the later ones, so that one run shows everything that is wrong.
 */
import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { provideServers, testServerNames, testsNeeding } from "./servers/test-servers.ts";
import type { StageReport } from "./stage-reporter.ts";
import { stages, type Stage } from "./test-stages.ts";

interface StageResult {
  name: string;
  outcome: "ok" | "failed" | "no tests yet";
  seconds: number;
  counts?: StageReport;
}

const root = dirname(import.meta.dirname);
const reporter = join(root, "scripts/stage-reporter.ts");
const quickStages = ["types", "arch", "units", "kit"];
const quickBudgetSeconds = 60;

const help = `Usage: npm test -- [options]

  --quick              only ${quickStages.join(", ")} (at most ${quickBudgetSeconds} s)
  --only STAGE,...     only these stages
  --without SERVER,... leave out tests that need this server; named at the end
                       (${testServerNames.join(", ")})
  --install            install the packages of servers that are missing; as root this is done unasked
  --help

Stages:
${stages.map((stage) => `  ${stage.name.padEnd(20)} ${stage.about}`).join("\n")}

MAYFLY_SEED=number repeats the random choices of an earlier run.
Exit code 0 only when nothing failed and something ran.
`;

const listOf = (values: readonly string[] = []): string[] =>
  values.flatMap((value) => value.split(",")).filter(Boolean);

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean" },
      only: { type: "string", multiple: true },
      without: { type: "string", multiple: true },
      install: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const only = listOf(values.only);
  const unknown = only.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) throw new Error(`no stage is called ${unknown.join(", ")}; see --help`);
  const names = only.length > 0 ? only : values.quick ? quickStages : stages.map((stage) => stage.name);
  const without = [...new Set([...listOf([process.env["MAYFLY_TEST_WITHOUT"] ?? ""]), ...listOf(values.without)])];
  const isPossible = ({ ledger }: Stage): boolean => ledger?.startsWith("redis") !== true || !without.includes("redis");
  return {
    help: values.help === true,
    quick: values.quick === true,
    install: values.install === true,
    chosen: stages.filter((stage) => names.includes(stage.name) && isPossible(stage)),
    without,
    seed: process.env["MAYFLY_SEED"] ?? String(Math.floor(Math.random() * 2 ** 31)),
  };
}

/** Runs one tool of node_modules/.bin to its end and answers whether it succeeded. */
function run(command: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const [tool = "", ...args] = command;
  const child = spawn(join(root, "node_modules/.bin", tool), args, { cwd: root, env, stdio: "inherit" });
  const stop = () => {
    child.kill("SIGTERM"); // a stopped run leaves no test process behind
    process.exit(143);
  };
  process.once("SIGTERM", stop);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => {
      process.off("SIGTERM", stop);
      done(code === 0);
    });
  });
}

async function runChecks(stage: Stage, env: NodeJS.ProcessEnv): Promise<Pick<StageResult, "outcome">> {
  let ok = true;
  for (const command of stage.commands ?? []) ok = (await run(command, env)) && ok;
  return { outcome: ok ? "ok" : "failed" };
}

async function runTests(
  { workers, files: wanted, shared = [] }: Stage,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Pick<StageResult, "outcome" | "counts">> {
  // Patterns are relative to the stage's folder, for vitest too.
  const inner = new Set(stages.flatMap((stage) => (stage.folder?.startsWith(`${folder}/`) ? [stage.folder] : [])));
  const leftOut = testsNeeding(listOf([env["MAYFLY_TEST_WITHOUT"] ?? ""]));
  const exclude = [...[...inner].map((path) => `${path.slice(folder.length + 1)}/**`), ...leftOut];
  const files = wanted ?? globSync("**/*.test.ts", { cwd: join(root, folder), exclude });
  if (files.length === 0) return { outcome: "no tests yet" };

  const flags = [...(wanted ?? []), "--dir", folder, ...secondTry(folder, env)];
  if (workers !== undefined) flags.push(`--maxWorkers=${workers}`);
  const without = (patterns: readonly string[]): readonly string[] =>
    patterns.flatMap((pattern) => ["--exclude", pattern]);
  const counts = await runVitest([...flags, ...without([...exclude, ...shared.map((path) => `${path}/**`)])], env);
  if (shared.length > 0) {
    const together = ["--no-isolate", ...shared.map((path) => `${folder}/${path}/`)];
    add(counts, await runVitest([...flags, ...without(exclude), ...together], env));
  }
  return { outcome: counts.failed > 0 ? "failed" : "ok", counts };
}

async function runVitest(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<StageReport> {
  const temporary = mkdtempSync(join(tmpdir(), "mayfly-test-"));
  const report = join(temporary, "report.json");
  try {
    const ok = await run(["vitest", "run", ...flags, "--reporter=default", `--reporter=${reporter}`], {
      ...env,
      MAYFLY_STAGE_REPORT: report,
    });
    const counts = readReport(report);
    if (!ok && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function add(total: StageReport, { passed, failed, skipped, skipReasons }: StageReport): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  for (const [reason, number] of Object.entries(skipReasons))
    total.skipReasons[reason] = (total.skipReasons[reason] ?? 0) + number;
}

/**
 * Where real processes meet a busy machine's clock, the gate tries a failed row once more, and the reporter names it. What
 * proves that nothing leaks (crash, chaos, sim, kit) has one try, there too.
 */
const secondTry = (folder: string, env: NodeJS.ProcessEnv): readonly string[] =>
  env["CI"] === "true" && ["test", "test/flow"].includes(folder) ? ["--retry=1"] : [];

/** A runner that died leaves no report: that is one failure, never a silent success. */
function readReport(file: string): StageReport {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as StageReport;
  } catch {
    return { passed: 0, failed: 1, skipped: 0, skipReasons: {} };
  }
}

async function runStage(stage: Stage, env: NodeJS.ProcessEnv): Promise<StageResult> {
  const started = performance.now();
  const settings = { ...env, MAYFLY_TEST_LEDGER: stage.ledger ?? "sqlite" };
  const result = await (stage.folder ? runTests(stage, stage.folder, settings) : runChecks(stage, env));
  return { name: stage.name, seconds: (performance.now() - started) / 1000, ...result };
}

const countsText = (counts: StageReport): string =>
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`;

function summarize(results: readonly StageResult[]): StageReport {
  const total: StageReport = { passed: 0, failed: 0, skipped: 0, skipReasons: {} };
  console.log("\nSummary");
  for (const { name, outcome, seconds, counts } of results) {
    const detail = counts ? `  ${countsText(counts)}` : "";
    console.log(`  ${name.padEnd(12)} ${outcome.padEnd(12)} ${`${seconds.toFixed(1)} s`.padStart(8)}${detail}`);
    // A failed check counts as one failure.
    add(total, counts ?? { passed: 0, failed: outcome === "failed" ? 1 : 0, skipped: 0, skipReasons: {} });
  }
  for (const [reason, number] of Object.entries(total.skipReasons)) console.log(`  skipped ${number}: ${reason}`);
  return total;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    console.log(help);
    return 0;
  }
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
    // Hundreds of brokers are started and killed: half of a start is reading the same sources again.
    NODE_COMPILE_CACHE: join(root, "node_modules/.cache/mayfly"),
    MAYFLY_SEED: options.seed,
    MAYFLY_TEST_WITHOUT: options.without.join(","),
    ...(options.quick && { MAYFLY_TEST_QUICK: "1" }),
  };
  if (options.chosen.some((stage) => stage.folder))
    provideServers({ without: options.without, mayInstall: options.install });
  console.log(`Node ${process.version}, MAYFLY_SEED=${options.seed}`);
  const results: StageResult[] = [];
  for (const [index, stage] of options.chosen.entries()) {
    console.log(`\n[${index + 1}/${options.chosen.length}] ${stage.name}: ${stage.about}`);
    const result = await runStage(stage, env);
    console.log(
      `[${index + 1}/${options.chosen.length}] ${stage.name}: ${result.outcome}, ${result.seconds.toFixed(1)} s`,
    );
    results.push(result);
  }
  const total = summarize(results);
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  if (options.without.length > 0) console.log(`  left out by request: ${options.without.join(", ")}`);
  if (options.quick && seconds > quickBudgetSeconds)
    console.log(`  slow: ${seconds.toFixed(0)} s, the quick run should stay under ${quickBudgetSeconds} s`);
  const testsWanted = options.chosen.some((stage) => stage.folder);
  if (testsWanted && total.passed + total.failed === 0) console.log("  no test ran, which is a failure");
  console.log(`\n${countsText(total)}`);
  return total.failed > 0 || (testsWanted && total.passed === 0) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
