/**
 * One failure under load: nodes over a real Redis, people at work, a fault that strikes and is mended, more work, every
 * task ended; then the OAuth server, the nodes and the audit are asked what is left.
 */
import type { Role } from "../../../src/entry/config.ts";
import { judge } from "../crash/judge.ts";
import { startWorld, type Watcher, type World } from "../crash/world.ts";
import { startLoad, type Load } from "./load.ts";
import { startNodes, type Nodes } from "./nodes.ts";
import { activatedAfterEnd, alive, allDeadAt, readTruth } from "./truth.ts";

/** Where the ledger is, as a fault meets it. */
export interface Store {
  readonly ledger: string;
  /** Of the servers that hold the ledger now. */
  masterPorts(): readonly number[];
  stop(): Promise<unknown>;
}

export interface Scene<S extends Store = Store> {
  readonly store: S;
  readonly nodes: Nodes;
  readonly load: Load;
  /** Calls back inside the next token that begins to live, or the next that is revoked. */
  readonly at: { onToken: (() => void) | null; onRevoked: (() => void) | null };
}

export interface Scenario<S extends Store> {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly start: () => Promise<S>;
  /** How much is asked before the fault; little unless told. */
  readonly answersBefore?: number;
  /** A node dies with what only it knew: a token made in that moment is bounded by its lease and ends by itself. */
  readonly mayOrphan?: boolean;
  /** Strikes, and resolves when what was broken is whole again. */
  readonly strike: (scene: Scene<S>) => Promise<void>;
}

export interface Outcome {
  readonly faults: readonly string[];
  readonly line: string;
}

const answersAfter = 30;
/** Ended together as the fault strikes, so that it meets kills under way. */
const burst = 5;

export async function runScenario<S extends Store>(scenario: Scenario<S>, seed: number): Promise<Outcome> {
  const at: Scene["at"] = { onToken: null, onRevoked: null };
  const watcher: Watcher = { onToken: () => at.onToken?.(), onRevoked: () => at.onRevoked?.() };
  const world = await startWorld(watcher);
  const store = await scenario.start();
  try {
    const nodes = await startNodes(world, store.ledger, scenario.roles);
    const load = startLoad(() => nodes.meet(), seed);
    return await strikeAndJudge(world, scenario, { store, nodes, at, load }).finally(() => load.stop());
  } finally {
    await world.close();
    await store.stop();
  }
}

async function strikeAndJudge<S extends Store>(
  world: World,
  { name, strike, mayOrphan = false, answersBefore = 60 }: Scenario<S>,
  scene: Scene<S>,
): Promise<Outcome> {
  const { load, nodes, store } = scene;
  await load.more(answersBefore);
  const endings = load.tasks.filter((taskId) => !load.ended.has(taskId)).slice(0, burst);
  const underWay = [...load.delivered].filter(([, { taskId }]) => endings.includes(taskId)).map(([token]) => token);
  const struckAt = performance.now();
  const underWayDeadAt = allDeadAt(world, underWay);
  const mended = strike(scene);
  const ends = Promise.all(endings.map((taskId) => load.end(taskId)));
  await mended;
  const mendedAt = performance.now();
  await ends;
  await load.more(answersAfter);
  await load.stop();
  await Promise.all(load.tasks.map((taskId) => load.end(taskId)));
  const endedAt = performance.now();
  const deadAt = await allDeadAt(world, [...load.delivered.keys()]);

  const truth = await readTruth(world, () => nodes.meet(), store.masterPorts());
  // An opening whose answer was lost leaves a task that nobody can name, and so nothing in it.
  const openTasks = truth.openTasks.filter((taskId) => load.tasks.includes(taskId));
  const { faults, orphans } = judge({ ...truth, openTasks }, { endsAll: true, mayOrphan, shiftMillis: 0 });
  const late = activatedAfterEnd(await nodes.meet().audit());
  const unknown = [...load.delivered.values()].filter(({ leaseId }) => !truth.reports.has(leaseId));
  const since = (from: number, to: number | null): string =>
    to === null ? "never" : `${((to - from) / 1000).toFixed(1)} s`;
  return {
    faults: [...faults, ...late, ...unknown.map(({ leaseId }) => `the delivered lease ${leaseId} is not known`)],
    line: [
      `chaos, ${name}: ${world.issued.length} credentials made, ${load.delivered.size} delivered,`,
      `${load.tasks.length} tasks; mended ${since(struckAt, mendedAt)} after the fault, the ${underWay.length} credentials`,
      `whose end it met dead after ${since(struckAt, await underWayDeadAt)}, all ${since(endedAt, deadAt)} after the last end;`,
      `${faults.length + late.length + unknown.length} leaks, ${orphans.length} possible orphans`,
      `that end by themselves (${(await alive(world, world.issued)).length} alive)`,
    ].join(" "),
  };
}
