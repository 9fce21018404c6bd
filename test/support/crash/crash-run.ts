/**
 * One run: a scenario's ground, its step up to a point, SIGKILL, the broker started again on the same files as if some
 * time later, and the truth. Also the recording of a step that nobody kills.
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

export async function crashRun(world: World, scenario: Scenario, point: KillPoint): Promise<CrashRun> {
  const data = await world.newData();
  const issuedBefore = world.issued.length;
  const crashing = await world.start(data, { program: "watched" });
  const prepared = await crashAt(world, scenario, { point, broker: crashing });

  const restartedAt = performance.now();
  const restarted = await world.start(data, { program: world.program, shiftMillis: restartAfterMillis });
  const people = world.meet(restarted);
  await scenario.comeBack?.(people, prepared);
  const tokens = (): Tokens => ({ fromOAuth: world.issued.slice(issuedBefore), own: ownTokens(crashing) });
  const truth = await readTruth(world, people, { data, tokens: tokens(), endsAll: scenario.endsAll });
  const quietMillis = performance.now() - restartedAt;
  const expected = { ...scenario, mayOrphan: point.mayOrphan, shiftMillis: 0 };
  const first = judge(truth, expected);
  const more = [...(scenario.alsoExpect?.(truth, prepared) ?? []), ...lost(truth, prepared)];
  const last = scenario.endsAll ? first : await judgeEnded();
  await restarted.kill();
  return {
    faults: [...first.faults, ...more, ...last.faults, ...(await world.storeOf(data).check())],
    orphans: last.orphans,
    quietMillis,
  };

  /** The tasks that the crash left open are ended now, and then nothing may live. */
  async function judgeEnded(): Promise<Judgement> {
    for (const id of truth.openTasks) await people.kill({ kind: "task", id });
    const ended = await readTruth(world, people, { data, tokens: tokens() });
    return judge(ended, { ...expected, endsAll: true });
  }
}

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

const ownTokens = (broker: BrokerProcess): readonly string[] =>
  broker.said.flatMap((said) => (said.said === "minted" && said.token.split(".").length === 3 ? [said.token] : []));

/** Whatever was delivered has its lease, whatever the crash. */
const lost = ({ reports }: Truth, { delivered }: Prepared): readonly string[] =>
  delivered.flatMap(({ leaseId }) => (reports.has(leaseId) ? [] : [`the delivered lease ${leaseId} is not known`]));
