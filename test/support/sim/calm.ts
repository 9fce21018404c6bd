/** The end of a run: everything works again, and by and by nothing may be left alive or unaccounted for. */
import { isLive } from "../../../src/domain/lease.ts";
import type { LeaseId } from "../../../src/kernel/ids.ts";
import * as actors from "./actors.ts";
import { classNames } from "./classes.ts";
import { leapWhile } from "./travel.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

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
export async function calm(world: World, check: () => Promise<void>): Promise<void> {
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
  await checkIntents(world);
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
  for (const [leaseId, { activatedAt, deadAt }] of world.journal.leases) {
    if (activatedAt === null || activatedAt <= world.bornAt) continue;
    if (deadAt !== null || delivered.has(leaseId)) continue;
    const lease = (await world.node().real.readLease(leaseId))?.lease;
    if (lease?.state.kind === "active")
      throw new Violation("undelivered", "nobody holds it, and nobody gave it up", lease);
  }
}

/** P3: a mint of which nothing was heard is judged by itself, whoever died in the middle of it. */
async function checkIntents(world: World): Promise<void> {
  const { real } = world.node();
  for (const leaseId of world.journal.leases.keys()) {
    const lease = (await real.readLease(leaseId))?.lease;
    const isLate = lease !== undefined && (await real.health()).now > lease.mintAbortAt + breakerMillis;
    if (isLate && lease.state.kind === "intended") throw new Violation("P3", "an intent that nobody judges", lease);
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
