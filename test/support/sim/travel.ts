/** How a run moves through time: step by step, in leaps over idle stretches, and with a wall clock that jumps. */
import type { World } from "./world.ts";

/**
 * Small errors add up to at most what nobody notices; a large one comes alone. Ahead by hours in one life of the broker,
 * right at the next start, and ahead by hours again looks the same to the ledger as a clock that was right all along, so
 * only one life of a run leaps ahead.
 */
export function jump(world: World, span: number): void {
  if (world.isAccepting) return;
  const error = world.time.wallError() + span;
  const isSmall = Math.abs(error) <= 59_000;
  if (!isSmall && span > 0) {
    world.leaptIn ??= world.bornAt;
    if (world.leaptIn !== world.bornAt) return;
  }
  if (isSmall || (world.time.wallError() === 0 && Math.abs(span) > 60_000)) world.time.jumpWall(span);
  if (!isSmall) world.everJumped = true;
}

/** Long spans are left in leaps from one due instant to the next; nothing happens in between. */
export async function elapse(world: World, span: number): Promise<void> {
  const { time } = world;
  if (span <= 70_000) return time.advance(span);
  await leapWhile(world, span, () => true);
}

const longestLeapMillis = 120_000;

export async function leapWhile(world: World, span: number, goesOn: () => boolean | Promise<boolean>): Promise<void> {
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
