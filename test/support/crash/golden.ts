/**
 * The golden list of a scenario: every call through a port, in the order in which it begins. An end is the work of
 * three at once (the request, the sweep, the workers of a target); their order among each other is nobody's promise, so
 * the list holds one after the other.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { env } from "node:process";
import { isOnSqlite } from "../ledger-kind.ts";
import type { Point } from "./orders.ts";
import type { Effect } from "./port-calls.ts";
import type { Scenario } from "./scenario.ts";

export interface GoldenCall {
  readonly effect: Effect;
  readonly name: string;
}

const fileOf = (scenario: Scenario): string =>
  fileURLToPath(new URL(`../../crash/golden/${scenario.name}.txt`, import.meta.url));

export function readGolden(scenario: Scenario): readonly GoldenCall[] {
  if (!existsSync(fileOf(scenario))) return [];
  const lines = readFileSync(fileOf(scenario), "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, effect, name] = /^(read|write) +(.+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ effect: effect === "write" ? "write" : "read", name } as const];
  });
}

const sweeping = new Set(["ledger.dueWork", "ledger.closeOverdueTasks", "ledger.expandKillOrders"]);
const working = new Set(["ledger.claimDue", "ledger.recordVerdict", "sealer.open", "provider.revoke"]);

/** Of the recorded calls, up to the one that did the step's work; reads that follow a sweep's last write only look. */
export function goldenOf(scenario: Scenario, recorded: readonly GoldenCall[]): readonly GoldenCall[] {
  const last = recorded.findIndex(({ name }) => name === scenario.lastCall);
  const calls = recorded.slice(0, last + 1);
  if (!scenario.endsAll) return calls;
  const firstClaim = calls.findIndex(({ name }) => name === "ledger.claimDue");
  const isWork = ({ name }: GoldenCall, index: number): boolean =>
    working.has(name) || (index > firstClaim && (name === "provider.probe" || name.startsWith("http ")));
  const sweeps = calls.filter(({ name }) => sweeping.has(name));
  const lastWrite = sweeps.findLastIndex(({ effect }) => effect === "write");
  const request = calls.filter((call, index) => !isWork(call, index) && !sweeping.has(call.name));
  return [...request, ...sweeps.slice(0, lastWrite + 1), ...calls.filter(isWork)];
}

/**
 * What a recording is held against. Over a network the sweep and the workers look as often as they come to it: on Redis
 * it counts which calls there are, not how often and in which order.
 */
export function comparable(calls: readonly GoldenCall[]): readonly GoldenCall[] {
  if (isOnSqlite) return calls;
  const distinct = [...new Map(calls.map((call) => [call.name, call])).values()];
  return distinct.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

export const isUpdating = isOnSqlite && env["MAYFLY_UPDATE_GOLDEN"] === "1";

export function writeGolden(scenario: Scenario, calls: readonly GoldenCall[]): void {
  const lines = calls.map(({ effect, name }) => `${effect.padEnd(5)} ${name}`);
  writeFileSync(fileOf(scenario), [`# ${scenario.about}`, ...lines, ""].join("\n"));
}

export const goldenAdvice =
  "the calls are not those of its list in test/crash/golden; if the new step is meant, run the crash stage once with " +
  "MAYFLY_UPDATE_GOLDEN=1, review the difference and commit it: the next run kills at each call of the list";

export interface KillPoint extends Point {
  readonly title: string;
  /** Killed after the credential began to live and before the record of it was stored. */
  readonly mayOrphan: boolean;
}

/**
 * On Redis the first scenario of each file at its writes, unless MAYFLY_CRASH_ALL=1: the steps are the broker's and the
 * same, and each run starts two processes.
 */
export const isThorough = isOnSqlite || env["MAYFLY_CRASH_ALL"] === "1";

/** Both sides of each write; a read applies nothing, so it has one side, where the scenario is killed at reads at all. */
export function killPoints(scenario: Scenario): readonly KillPoint[] {
  const calls = readGolden(scenario);
  const sent = calls.findIndex(({ name }) => name === "http POST /token");
  const stored = calls.findIndex(({ name }) => name === "ledger.completeMint");
  const seen = new Map<string, number>();
  return calls.flatMap(({ effect, name }, index): KillPoint[] => {
    const occurrence = (seen.get(name) ?? 0) + 1;
    seen.set(name, occurrence);
    if (index < calls.findIndex((call) => call.name === scenario.killsFrom)) return [];
    const at = `${name}${occurrence > 1 ? ` (${occurrence})` : ""}`;
    const mints = sent !== -1 && stored > sent;
    // A completion that is on its way to a server does not hold up the sweep beside it.
    const isBeside = mints && !isOnSqlite && sweeping.has(name);
    const begin: KillPoint = {
      name,
      occurrence,
      side: "before",
      title: `${at} is never made`,
      mayOrphan: isBeside || (mints && index > sent && index <= stored),
    };
    const applied: KillPoint = {
      ...begin,
      side: "after",
      title: `${at} took effect, unanswered`,
      // `provider.mint` begins before its request and takes effect after it.
      mayOrphan: isBeside || (mints && (name === "provider.mint" || index >= sent) && index < stored),
    };
    if (effect === "write") return [begin, applied];
    return scenario.killsAtReads && isThorough ? [begin] : [];
  });
}
