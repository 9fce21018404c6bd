/** One run: the steps of a plan with every promise checked after each, then calm, until nothing may be left alive. */
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import * as actors from "./actors.ts";
import { calm } from "./calm.ts";
import { checkAtRest, checkSpoken } from "./check-canary.ts";
import { createTruthCheck } from "./check-truth.ts";
import type { Storage } from "./engine.ts";
import type { Act, Disturbance, Plan, Step } from "./steps.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import { elapse, jump } from "./travel.ts";
import { createWorld, type World } from "./world.ts";

export interface RunFigures {
  readonly steps: number;
  readonly crashes: number;
  readonly faults: number;
  readonly intents: number;
  readonly minted: number;
  readonly delivered: number;
  readonly used: number;
  readonly dead: number;
  readonly simulatedMillis: number;
}

export async function runPlan(plan: Plan, policy: BoundPolicy, storage: Storage): Promise<RunFigures> {
  const world = await createWorld(plan.climate, policy, storage);
  const startedAt = world.time.physical();
  const truth = createTruthCheck(world);
  const check = async (): Promise<void> => {
    await world.time.settle();
    if (!world.node().owner.alive) await world.restart(600);
    await truth.run();
    checkSpoken(world);
    if (world.broken !== null) throw world.broken;
  };
  try {
    for (const step of plan.steps) {
      await (isAct(step) ? play(world, step) : disturb(world, step));
      await check();
    }
    await calm(world, check);
    await checkAtRest(world);
    return figuresOf(world, plan, startedAt);
  } finally {
    await world.dispose();
  }
}

const disturbances: readonly string[] = [
  "crash",
  "crashAt",
  "stop",
  "jump",
  "fixClock",
  "outage",
  "misconfigure",
  "storeTrouble",
] satisfies readonly Disturbance["do"][];
const isAct = (step: Step): step is Act => !disturbances.includes(step.do);

async function play(world: World, step: Act): Promise<void> {
  switch (step.do) {
    case "open":
      return actors.openTask(world, step);
    case "exchange":
      return actors.exchange(world, step);
    case "repeat":
      return actors.repeat(world, step.exchange);
    case "race":
      return race(world, step);
    case "end":
      return actors.endTask(world, step.task, step.waitSeconds, "any");
    case "heartbeat":
      return actors.heartbeat(world, step.task);
    case "kill":
      return actors.kill(world, step.scope, step.of);
    case "reopen":
      return actors.reopen(world, step.door);
    case "deleteLease":
    case "revokeToken":
      return actors.giveBack(world, step.do, step.delivery);
    case "read":
      return actors.readTask(world, step.task);
    case "pause":
      return actors.pause(world, step.kind, step.paused);
    case "elapse":
      return elapse(world, step.millis);
    default:
      return unreachable(step);
  }
}

async function disturb(world: World, step: Disturbance): Promise<void> {
  const { time, network } = world;
  switch (step.do) {
    case "crash":
      world.die();
      return world.restart(step.downMillis);
    case "crashAt":
      return world.node().store.dieAt(step.verbs, step.when, () => world.die());
    case "stop":
      return world.stopAndRestart();
    case "jump":
      return jump(world, step.millis);
    case "fixClock":
      time.jumpWall(-time.wallError());
      return actors.acceptClock(world);
    case "outage":
      return network.outage(step.kind, step.millis);
    case "misconfigure":
      return network.misconfigure(step.kind, step.wrong);
    case "storeTrouble":
      return world.setFaults({ ...world.climate.store, unknown: step.unknown });
    default:
      return unreachable(step);
  }
}

function race(world: World, step: Extract<Step, { do: "race" }>): void {
  for (const [index, exchange] of step.exchanges.entries()) {
    if (index === step.endAt) actors.endTask(world, step.task, 0, "any");
    // Every other one for whatever it drew: a child of the task that ends, with luck.
    actors.exchange(world, index % 2 === 0 ? { ...exchange, task: step.task } : exchange);
  }
}

function figuresOf(world: World, plan: Plan, startedAt: number): RunFigures {
  const minted = [...world.cloud.all()].length;
  return {
    steps: plan.steps.length,
    crashes: world.counts.crashes,
    faults: world.network.injected.faults + world.counts.storeFaults + world.node().store.injected.faults,
    intents: world.journal.leases.size,
    minted,
    delivered: world.deliveries.length,
    used: world.counts.used,
    dead: [...world.journal.leases.values()].filter((story) => story.deadAt !== null).length,
    simulatedMillis: world.time.physical() - startedAt,
  };
}
