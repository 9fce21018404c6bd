/** One run: the steps of a plan with every promise checked after each, then calm, until nothing may be left alive. */
import type { LeaseId } from "../../../src/kernel/ids.ts";
import { isLive } from "../../../src/domain/lease.ts";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import * as actors from "./actors.ts";
import { checkAtRest, checkSpoken } from "./check-canary.ts";
import { createTruthCheck } from "./check-truth.ts";
import { classNames } from "./classes.ts";
import type { Storage } from "./engine.ts";
import type { Act, Disturbance, Plan, Step } from "./steps.ts";
import { unreachable } from "../../../src/kernel/unreachable.ts";
import { Violation } from "./violation.ts";
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
    checkAtRest(world);
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

/** Small errors add up to at most what nobody notices; a large one comes alone. */
function jump(world: World, span: number): void {
  const error = world.time.wallError() + span;
  const isSmall = Math.abs(error) <= 59_000;
  if (isSmall || (world.time.wallError() === 0 && Math.abs(span) > 60_000)) world.time.jumpWall(span);
  if (!isSmall) world.everJumped = true;
}

/** Long spans are left in leaps from one due instant to the next; nothing happens in between. */
async function elapse(world: World, span: number): Promise<void> {
  const { time } = world;
  if (span <= 70_000) return time.advance(span);
  await leapWhile(world, span, () => true);
}

const longestLeapMillis = 120_000;

async function leapWhile(world: World, span: number, goesOn: () => boolean | Promise<boolean>): Promise<void> {
  const { time } = world;
  const end = time.physical() + span;
  while (time.physical() < end && (await goesOn())) {
    await time.settle();
    if (!world.node().owner.alive) await world.restart(600);
    if (world.network.isBusy()) {
      await time.advance(Math.min(250, end - time.physical()));
      continue;
    }
    const { nextAt, now } = await world.node().real.dueWork();
    const leap = nextAt === null ? longestLeapMillis : Math.min(longestLeapMillis, nextAt - now);
    await time.leap(Math.min(Math.max(leap, 20), end - time.physical()));
    await time.advance(Math.min(200, Math.max(0, end - time.physical())));
  }
}

/** An hour and a half: the longest life, its grace, every backoff, and a person's slow retry. */
const calmMillis = 90 * 60_000;
/** A ledger that a wrong wall drove ahead waits for the right one before it calls a credential expired. */
const aheadMillis = 2 * 7_200_000;
/** An open breaker lets a try through at the latest after this. */
const breakerMillis = 65_000;
/** A kill, its probe, and a settle time with what it needs to show. */
const atOnceMillis = 62_000;
/** A kill order that the store did not take is repeated at the latest after this. */
const repeatMillis = 6 * 60_000;
/** Backoff, breaker pause, a lapsed claim and a repeated order, each at its longest. */
const promptMillis = 8 * 60_000;

/** Everything works again: what is not yet dead must die, first what can be killed, then what can only expire. */
async function calm(world: World, check: () => Promise<void>): Promise<void> {
  const { network, time } = world;
  network.heal();
  world.setFaults({ unknown: 0, slow: 0 });
  world.node().store.spare();
  // A verb that is held up may still take its process with it.
  await time.advance(10_000);
  await check();
  time.jumpWall(-time.wallError());
  actors.acceptClock(world);
  for (const kind of classNames) actors.pause(world, kind, false);
  await time.advance(30_000);
  await check();
  await leapWhile(world, breakerMillis, () => true);
  await checkKilledAtOnce(world, check);
  await leapWhile(world, repeatMillis, () => true);
  await check();
  await checkUndelivered(world);
  for (const index of world.opened.keys()) actors.endTask(world, index, 0, "exactly");
  await leapWhile(world, promptMillis, () => true);
  await check();
  await checkPrompt(world);
  await leapWhile(world, calmMillis + (world.everJumped ? aheadMillis : 0), async () => {
    await check();
    return (await world.node().real.health()).counts.liveLeases > 0;
  });
  await check();
  await checkNothingLeft(world);
}

/** What got through and reached nobody is given up, unless the process died with the answer. */
async function checkUndelivered(world: World): Promise<void> {
  const delivered = new Set(world.deliveries.map((delivery) => delivery.leaseId));
  for (const [leaseId, { activatedSequence, deadSequence }] of world.journal.leases) {
    if (activatedSequence === null || activatedSequence <= world.bornSequence) continue;
    if (deadSequence !== null || delivered.has(leaseId)) continue;
    const lease = (await world.node().real.readLease(leaseId))?.lease;
    if (lease?.state.kind === "active")
      throw new Violation("undelivered", "nobody holds it, and nobody gave it up", lease);
  }
}

/** P5: what was active when its task or an ancestor ended is tried at once, and dead wherever it can be killed. */
async function checkKilledAtOnce(world: World, check: () => Promise<void>): Promise<void> {
  const { real } = world.node();
  const ending = world.opened.filter((_, index) => index % 2 === 0);
  const active = new Set<LeaseId>();
  for (const { id } of ending)
    for (const lease of await real.listLeases({ taskId: id, after: null, limit: 200 }))
      if (lease.state.kind === "active") active.add(lease.id);
  for (const [index] of world.opened.entries()) if (index % 2 === 0) actors.endTask(world, index, 0, "exactly");
  await leapWhile(world, atOnceMillis, () => true);
  await check();
  for (const leaseId of active) {
    const lease = (await real.readLease(leaseId))?.lease;
    const state = lease?.state;
    if (state === undefined || !isLive(state.kind) || (state.kind === "revoking" && state.usableUntil !== null))
      continue;
    throw new Violation("P5", "not dead a minute after its task ended", { lease, ...(await situation(world)) });
  }
}

/** P5: with everything at work again, what can be killed is dead soon. */
async function checkPrompt(world: World): Promise<void> {
  const { real } = world.node();
  for (const leaseId of world.journal.leases.keys()) {
    const view = await real.readLease(leaseId);
    const lease = view?.lease;
    if (lease === undefined || !isLive(lease.state.kind) || lease.state.kind === "stuck") continue;
    if (lease.state.kind === "active" && view?.gate.kind === "open") continue;
    if (lease.state.kind === "revoking" && lease.state.usableUntil !== null) continue;
    throw new Violation("P5", "not dead long after its task ended and all faults passed", {
      lease,
      ...(await situation(world)),
    });
  }
}

/** P3: every mint that may have happened is dead, in the ledger and at its system. */
async function checkNothingLeft(world: World): Promise<void> {
  const { real } = world.node();
  for (const leaseId of world.journal.leases.keys()) {
    const lease = (await real.readLease(leaseId))?.lease;
    if (lease === undefined || isLive(lease.state.kind))
      throw new Violation("P3", "still not dead", { lease, ...(await situation(world)) });
  }
  for (const credential of world.cloud.all())
    if (world.cloud.isAlive(credential) && !world.cloud.liedAbout(credential.leaseId))
      throw new Violation("P3", "a leak", credential);
}

/** What a reader of a failure needs to see: the clocks, and what the ledger thinks is left to do. */
async function situation(world: World) {
  const { real } = world.node();
  const wall = world.time.physical() + world.time.wallError();
  return { wall, health: await real.health(), work: await real.dueWork(), targets: await real.listTargets() };
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
    dead: [...world.journal.leases.values()].filter((story) => story.deadSequence !== null).length,
    simulatedMillis: world.time.physical() - startedAt,
  };
}
