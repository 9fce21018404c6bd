/** A Redis ledger with many leases that only stand there, filled once for all goals that ask about size. */
import type { TaskId } from "../../../src/kernel/ids.ts";
import type { Context } from "../context.ts";
import type { Filled } from "../ledger/populate-redis.ts";
import type { Actor } from "../stage.ts";

export interface RedisParts {
  readonly context: Context;
  readonly redis: Actor;
  readonly stock: Actor;
  readonly ledger: Actor;
  readonly port: number;
}

/** How many leases of each sort. */
export interface StandingSize {
  /** Not due before tomorrow. */
  readonly live: number;
  /** As many fall due while no worker is there. */
  readonly overdue: number;
  readonly bigLeases: number;
  readonly doomedLeases: number;
}

export interface Standing extends StandingSize {
  readonly parts: RedisParts;
  /** Of `doomedLeases` each, to be killed with a process. */
  readonly doomed: readonly TaskId[];
  /** One with very many leases, to be killed at once. */
  readonly big: TaskId;
  readonly fillSeconds: number;
}

export const leasesPerTask = 10_000;
const restarts = 2;

export const countText = (count: number): string => (count >= 1e6 ? `${count / 1e6}M` : `${count / 1000}k`);
export const urlOf = ({ port }: RedisParts): string => `redis://127.0.0.1:${port}`;

export async function fillRedis(parts: RedisParts, size: StandingSize): Promise<Standing> {
  const { live, bigLeases, doomedLeases } = size;
  parts.context.say(`filling Redis with ${live} leases`);
  await parts.redis.ask("flush", "everysec");
  const others = Array.from({ length: live / leasesPerTask }, () => leasesPerTask);
  const doomed = Array.from({ length: restarts }, () => doomedLeases);
  const leaseCounts = [bigLeases, ...doomed, ...others];
  const { tasks, seconds } = await parts.ledger.ask<Filled>("populateRedis", { url: urlOf(parts), leaseCounts });
  await parts.redis.ask("settle", "everysec");
  const [big, ...rest] = tasks;
  if (big === undefined) throw new Error("a task is missing");
  return { ...size, parts, big, doomed: rest.slice(0, restarts), fillSeconds: seconds };
}
