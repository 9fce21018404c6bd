/**
 * A provider that is down for days, over virtual time: kills wait, are tried again and again, and not one of them is
 * given up. What became of each lease is asked of the ledger.
 */
import { join } from "node:path";
import type { Cancel, Clock } from "../../../src/kernel/clock.ts";
import { addMillis, epochMillis } from "../../../src/kernel/time.ts";
import { issueLeases, openTask, valueOf } from "./commands.ts";
import { createKillWorld } from "./kill-world.ts";

export interface OutageResult {
  readonly leases: number;
  readonly attempts: number;
  readonly dead: number;
  /** Not dead and not in the due index: what must never be. */
  readonly givenUp: number;
  readonly recoveredAfterMillis: number;
}

const stepMillis = 60_000;
const dayMillis = 24 * 3600 * 1000;
/** Far above the longest pause of a breaker and of a backoff. */
const longestRecoveryMillis = 3_600_000;

export async function sitOutOutage(wish: { dir: string; leases: number; days: number }): Promise<OutageResult> {
  const { dir, leases, days } = wish;
  const time = createVirtualTime();
  let isDown = true;
  let attempts = 0;
  const world = await createKillWorld({
    place: join(dir, "outage.db"),
    clock: time.clock,
    revoke: async () => {
      attempts += 1;
      return isDown ? { kind: "retry", reason: "unreachable" } : { kind: "dead-unverified" };
    },
  });
  try {
    const taskId = await openTask(world.ledger, world.commands);
    const expiresAt = addMillis(time.clock.now(), dayMillis);
    await issueLeases(world.ledger, world.commands, { tasks: [taskId], count: leases, expiresAt: () => expiresAt });
    world.pool.start();
    valueOf(await world.ledger.endTask(world.commands.end(taskId)));
    for (let passed = 0; passed < days * dayMillis; passed += stepMillis) await time.advance(stepMillis);
    isDown = false;
    const recoveryFrom = time.clock.now();
    let summary = await world.ledger.summarize(taskId);
    while (summary.live > 0 && time.clock.now() - recoveryFrom < longestRecoveryMillis) {
      await time.advance(1000);
      summary = await world.ledger.summarize(taskId);
    }
    const recoveredAfterMillis = time.clock.now() - recoveryFrom;
    return {
      leases,
      attempts,
      dead: summary.byState.revoked,
      givenUp: leases - summary.byState.revoked,
      recoveredAfterMillis,
    };
  } finally {
    await world.close();
  }
}

/** Timers fire in order at their own instants; between two of them everything that they caused runs to its end. */
function createVirtualTime(): { clock: Clock; advance(span: number): Promise<void> } {
  let now = Date.UTC(2026, 10, 2, 9);
  const timers = new Set<{ at: number; callback: () => void }>();
  const nextBy = (limit: number) =>
    [...timers].filter(({ at }) => at <= limit).toSorted((left, right) => left.at - right.at)[0];
  return {
    clock: {
      now: () => epochMillis(now),
      monotonicMillis: () => now,
      after(delay, callback): Cancel {
        const timer = { at: now + Math.max(0, delay), callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    },
    async advance(span) {
      const end = now + span;
      for (let timer = nextBy(end); timer !== undefined; timer = nextBy(end)) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.callback();
        await settled();
      }
      now = end;
    },
  };
}

/** Each step of the kill path is at most one commit away, and a commit is one turn of the event loop. */
const turns = 8;
async function settled(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
