/**
 * A storm: many exchanges and ends at once, and SIGKILL as soon as a seeded number of them was answered, so that the
 * others are cut at whatever they were doing. One ledger lives through all rounds; each starts a little later.
 */
import { fraction } from "../../../src/kernel/entropy.ts";
import { createSeededEntropy } from "../seeded-entropy.ts";
import type { BrokerProcess } from "./broker-process.ts";
import type { Client } from "./client.ts";
import { judge, type Orphan } from "./judge.ts";
import { fromOAuth, ownToken } from "./policy.ts";
import type { Delivered } from "./scenario.ts";
import { readTruth, type Truth } from "./truth.ts";
import type { World } from "./world.ts";

/** Between two rounds: later than any intent, claim or replaced lease of the killed broker falls due. */
const roundShiftMillis = 50_000;
const crew = 8;
/** Of one member of the crew in a round: it never comes to that, the kill is earlier. */
const maxRequests = 40;
const mostAnswers = 40;

export interface Storm {
  /** Loads the broker, kills it, starts it again and judges. */
  round(seed: number): Promise<StormRound>;
}
export interface StormRound {
  readonly faults: readonly string[];
  readonly orphans: readonly Orphan[];
  readonly quietMillis: number;
}

/** What the crew was told, and what it asked without an answer. */
interface Load {
  readonly delivered: Delivered[];
  readonly tasks: string[];
  readonly endedTasks: Set<string>;
  readonly askedEnds: Set<string>;
}

export async function startStorm(world: World): Promise<Storm> {
  const data = await world.newData();
  let shiftMillis = 0;
  let broker = await world.start(data, { program: world.program, shiftMillis });

  async function restart(): Promise<Client> {
    shiftMillis += roundShiftMillis;
    broker = await world.start(data, { program: world.program, shiftMillis });
    return world.meet(broker);
  }

  return {
    async round(seed) {
      const people = world.meet(broker);
      const mark = { audit: await people.auditHead(), issued: world.issued.length, shiftMillis };
      const load = await loadAndKill(people, broker, seed);
      const damage = await world.storeOf(data).check();
      const restartedAt = performance.now();
      const again = await restart();
      for (const taskId of load.askedEnds) await again.endTask(taskId);
      const own = load.delivered.map(({ token }) => token).filter((token) => token.includes("."));
      const run = { data, tokens: { fromOAuth: world.issued.slice(mark.issued), own }, after: mark.audit };
      const truth = await readTruth(world, again, run);
      const quietMillis = performance.now() - restartedAt;
      const expected = { mayOrphan: true, shiftMillis: mark.shiftMillis };
      const first = judge(truth, { ...expected, endsAll: false });
      for (const id of truth.openTasks) await again.kill({ kind: "task", id });
      const last = judge(await readTruth(world, again, run), { ...expected, endsAll: true });
      return {
        faults: [...damage, ...first.faults, ...brokenWords(load, truth), ...last.faults],
        orphans: last.orphans,
        quietMillis,
      };
    },
  };
}

/** What was answered is kept: a delivered credential has its lease, an ended task stays ended. */
function brokenWords(load: Load, { leaseOf, reports, openTasks }: Truth): readonly string[] {
  const unrecorded = load.delivered.filter(({ token, leaseId }) => leaseOf.get(token) !== leaseId);
  const unknown = load.delivered.filter(({ leaseId }) => !reports.has(leaseId));
  const reopened = openTasks.filter((taskId) => load.endedTasks.has(taskId) || load.askedEnds.has(taskId));
  return [
    ...unrecorded.map(({ leaseId }) => `the token delivered for ${leaseId} is recorded for no lease or another`),
    ...unknown.map(({ leaseId }) => `the delivered lease ${leaseId} is not known`),
    ...reopened.map((taskId) => `${taskId} is open after its end`),
  ];
}

async function loadAndKill(people: Client, broker: BrokerProcess, seed: number): Promise<Load> {
  const entropy = createSeededEntropy(seed);
  const draw = (below: number): number => Math.floor(fraction(entropy) * below);
  const load: Load = { delivered: [], tasks: [], endedTasks: new Set(), askedEnds: new Set() };
  while (load.tasks.length < crew) load.tasks.push(await people.openTask());
  const answersToKill = 1 + draw(mostAnswers);
  let answers = 0;
  let killed: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    for (let request = 0; request < maxRequests && killed === undefined; request += 1) {
      try {
        await ask(people, load, draw);
      } catch {
        return; // cut off
      }
      answers += 1;
      if (answers === answersToKill) killed = broker.kill();
    }
  };
  await Promise.all(Array.from({ length: crew }, work));
  await (killed ?? broker.kill());
  return load;
}

async function ask(people: Client, load: Load, draw: (below: number) => number): Promise<void> {
  const dice = draw(100);
  const task = load.tasks[draw(load.tasks.length)];
  if (dice < 5 || task === undefined) return void load.tasks.push(await people.openTask());
  if (dice < 25) {
    load.askedEnds.add(task);
    await people.endTask(task);
    load.endedTasks.add(task);
    load.askedEnds.delete(task);
    return;
  }
  const template = dice < 75 ? fromOAuth : ownToken;
  const wish = dice % 7 === 0 ? { template } : { template, taskId: task };
  const { status, body } = await people.exchange(wish);
  if (status === 200) load.delivered.push({ token: body.access_token, leaseId: body.lease_id });
}
