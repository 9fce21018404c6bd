/** How late the ends of leases are begun that fall due one by one, and how long a herd of them takes. */
import { systemClock } from "../../../src/entry/system-clock.ts";
import { addMillis, type EpochMillis } from "../../../src/kernel/time.ts";
import { issueLeases, openTask } from "./commands.ts";
import { createKillWorld, type KillWorld, type Revoke } from "./kill-world.ts";
import { populateRedis } from "./populate-redis.ts";

/** Over as many shards, on Redis. */
const tasksAtOnce = 16;
const herdLeadMillis = 2_500;
const maxHerdLeadMillis = 20_000;

/** Leases fall due one by one at a steady pace; the answer is how late each one's attempt began. */
export async function timeLateness(wish: { place: string; count: number; perSecond: number; leadMillisEach: number }) {
  const { place, count, perSecond, leadMillisEach } = wish;
  const late: number[] = [];
  const startedAt = systemClock.now();
  // The wall clock counts whole milliseconds; the parts of one are measured beside it.
  const wall = (): number => performance.timeOrigin + performance.now();
  const world = await createKillWorld({ place, revoke: noting((lease) => late.push(wall() - lease.expiresAt)) });
  try {
    world.pool.start();
    const tasks = await openTasks(world);
    // All are issued before the first of them falls due.
    const firstAt = addMillis(startedAt, 2000 + count * leadMillisEach);
    const expiresAt = (index: number) => addMillis(firstAt, (index * 1000) / perSecond);
    const dead = world.dead(count);
    await issueLeases(world.ledger, world.commands, { tasks, count, expiresAt });
    await dead;
    return late;
  } finally {
    await world.close();
  }
}

const openTasks = (world: KillWorld) =>
  Promise.all(Array.from({ length: tasksAtOnce }, () => openTask(world.ledger, world.commands)));

const noting =
  (note: (lease: Parameters<Revoke>[0]["lease"]) => void): Revoke =>
  async ({ lease }) => {
    note(lease);
    return { kind: "dead-unverified" };
  };

/** Many leases fall due in one millisecond; the answer is when the last one's end was durable. */
export async function timeHerd({ place, count }: { place: string; count: number }): Promise<number> {
  const world = await createKillWorld({ place, revoke: noting(() => {}) });
  try {
    world.pool.start();
    // A busy machine issues slower: a herd that was not complete in time dies uncounted, and a later one is measured.
    for (let lead = herdLeadMillis; lead <= maxHerdLeadMillis; lead *= 2) {
      const dueAt = addMillis(systemClock.now(), lead);
      const dead = world.dead(count);
      await issueHerd(world, { place, count, dueAt });
      const isComplete = systemClock.now() < dueAt;
      await dead;
      if (isComplete) return systemClock.now() - dueAt;
    }
    throw new Error("the machine is too busy to issue a herd in time");
  } finally {
    await world.close();
  }
}

async function issueHerd(world: KillWorld, herd: { place: string; count: number; dueAt: EpochMillis }): Promise<void> {
  const { place, count, dueAt } = herd;
  if (place.startsWith("redis:")) {
    const leaseCounts = Array.from({ length: tasksAtOnce }, () => count / tasksAtOnce);
    await populateRedis({ url: place, leaseCounts, dueAt });
  } else
    await issueLeases(world.ledger, world.commands, { tasks: await openTasks(world), count, expiresAt: () => dueAt });
}
