/**
 * One run: a scenario's ground, its step up to a point, SIGKILL, the broker started again on the same files as if some
 * time later, and the truth. The broker of one run goes on into the next, so that each start is a restart too. Also the
 * recording of a step that nobody kills.
 */
import type { BrokerProcess } from "./broker-process.ts";
import { goldenOf, type GoldenCall, type KillPoint } from "./golden.ts";
import { judge, type Judgement } from "./judge.ts";
import type { Prepared, Scenario } from "./scenario.ts";
import { readTruth, type Tokens, type Truth } from "./truth.ts";
import type { World } from "./world.ts";

/** Later than any intent, claim or replaced lease of the killed broker falls due. */
export const restartAfterMillis = 100_000;

export async function recordCalls(world: World, scenario: Scenario): Promise<readonly GoldenCall[]> {
  const broker = await world.start(await world.newData(), { program: "watched" });
  const people = world.meet(broker);
  const prepared = await scenario.prepare(people);
  await broker.order({ order: "record" });
  await scenario.step(people, prepared, broker);
  await broker.until(`reach ${scenario.lastCall}`, (said) => said.said === "call" && said.name === scenario.lastCall);
  await broker.kill();
  return goldenOf(
    scenario,
    broker.said.flatMap((said) =>
      said.said === "call" && said.side === "before" ? [{ effect: said.effect, name: said.name }] : [],
    ),
  );
}

export interface CrashRun {
  readonly faults: readonly string[];
  readonly orphans: Judgement["orphans"];
  /** From the start of the new process until nothing was on its way any more. */
  readonly quietMillis: number;
}

/** A broker on a store in which nothing of an earlier run is left. */
interface Life {
  readonly data: string;
  readonly shiftMillis: number;
  readonly broker: BrokerProcess;
}

/** The runs of one scenario, one after the other. */
export function createCrashRuns(world: World, scenario: Scenario): (point: KillPoint) => Promise<CrashRun> {
  let living: Life | null = null;
  return async (point) => {
    const life = living ?? (await begin(world));
    living = null; // a run that fails leaves the next no ground
    const { run, next, isClean } = await crashRun(world, scenario, { point, life });
    if (isClean) living = next;
    else await next.broker.kill();
    return run;
  };
}

async function begin(world: World): Promise<Life> {
  const data = await world.newData();
  return { data, shiftMillis: 0, broker: await world.start(data, { program: "watched" }) };
}

async function crashRun(world: World, scenario: Scenario, { point, life }: { point: KillPoint; life: Life }) {
  const { data } = life;
  const shiftMillis = life.shiftMillis + restartAfterMillis;
  const mark = { issued: world.issued.length, said: life.broker.said.length, audit: await headOf(world, life) };
  const prepared = await crashAt(world, scenario, { point, broker: life.broker });

  const restartedAt = performance.now();
  const broker = await world.start(data, { program: "watched", shiftMillis });
  const people = world.meet(broker);
  await scenario.comeBack?.(people, prepared);
  const look = (endsAll: boolean): Promise<Truth> => {
    const own = ownTokens(life.broker.said.slice(mark.said));
    const tokens: Tokens = { fromOAuth: world.issued.slice(mark.issued), own };
    return readTruth(world, people, { data, tokens, endsAll, after: mark.audit });
  };
  const truth = await look(scenario.endsAll);
  const quietMillis = performance.now() - restartedAt;
  const expected = { mayOrphan: point.mayOrphan, shiftMillis: life.shiftMillis };
  const first = judge(truth, { ...expected, endsAll: scenario.endsAll });
  const more = [...(scenario.alsoExpect?.(truth, prepared) ?? []), ...lost(truth, prepared)];
  // The tasks that the crash left open are ended now, and then nothing may live.
  for (const id of truth.openTasks) await people.kill({ kind: "task", id });
  const ended = scenario.endsAll ? truth : await look(false);
  const last = scenario.endsAll ? first : judge(ended, { ...expected, endsAll: true });
  await scenario.tidy?.(people);
  const faults = [...first.faults, ...more, ...last.faults, ...(await world.storeOf(data).check())];
  return {
    run: { faults, orphans: last.orphans, quietMillis },
    next: { data, shiftMillis, broker },
    // What only expires would fall due in a later run.
    isClean: faults.length === 0 && [...ended.reports.values()].every(({ verdict }) => verdict !== "usable-until"),
  };
}

const headOf = (world: World, { broker }: Life): Promise<string> => world.meet(broker).auditHead();

async function crashAt(
  world: World,
  scenario: Scenario,
  { point, broker }: { point: KillPoint; broker: BrokerProcess },
): Promise<Prepared> {
  const people = world.meet(broker);
  const prepared = await scenario.prepare(people);
  const { name, occurrence, side } = point;
  await broker.order({ order: "freeze", point: { name, occurrence, side } });
  const step = scenario.step(people, prepared, broker).catch(() => undefined);
  await broker.until(`freeze where ${point.title}`, ({ said }) => said === "frozen");
  await broker.kill();
  await step;
  return prepared;
}

const ownTokens = (told: BrokerProcess["said"]): readonly string[] =>
  told.flatMap((said) => (said.said === "minted" && said.token.split(".").length === 3 ? [said.token] : []));

/** Whatever was delivered has its lease, whatever the crash. */
const lost = ({ reports }: Truth, { delivered }: Prepared): readonly string[] =>
  delivered.flatMap(({ leaseId }) => (reports.has(leaseId) ? [] : [`the delivered lease ${leaseId} is not known`]));
