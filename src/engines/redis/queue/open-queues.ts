/** The queues that are open in this process: at most so many, the one that rests longest closed for the next. */
import type { TargetName } from "../../../domain/names.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { TargetQueue } from "./target-queue.ts";

export interface OpenQueues {
  /** Opened now if need be; null while too many others are busy: the next look at the ledger asks again. */
  get(target: TargetName): TargetQueue | null;
  has(target: TargetName): boolean;
  all(): readonly (readonly [TargetName, TargetQueue])[];
  /** Closes those that nobody asked for during the last `restMillis` and that do nothing. */
  closeResting(restMillis: number): void;
}

export function createOpenQueues(options: {
  most: number;
  open: (target: TargetName) => TargetQueue;
  clock: Clock;
  log: Log;
}): OpenQueues {
  const { most, open, clock, log } = options;
  const queues = new Map<TargetName, { readonly queue: TargetQueue; askedAt: number }>();

  const resting = (restMillis: number) =>
    [...queues].filter(([, { queue, askedAt }]) => queue.isIdle() && clock.monotonicMillis() - askedAt >= restMillis);

  function close(target: TargetName, queue: TargetQueue): void {
    queues.delete(target);
    void queue.close().catch(() => log.warn("kill_queue_error", { target }));
  }

  /** Whether there is room for one more. */
  function makeRoom(): boolean {
    if (queues.size < most) return true;
    const [longest] = resting(0).toSorted(([, left], [, right]) => left.askedAt - right.askedAt);
    if (longest === undefined) return false;
    close(longest[0], longest[1].queue);
    return true;
  }

  return {
    get(target) {
      const known = queues.get(target);
      if (known === undefined && !makeRoom()) return null;
      const entry = known ?? { queue: open(target), askedAt: 0 };
      entry.askedAt = clock.monotonicMillis();
      queues.set(target, entry);
      return entry.queue;
    },
    has: (target) => queues.has(target),
    all: () => [...queues].map(([target, { queue }]) => [target, queue] as const),
    closeResting(restMillis) {
      for (const [target, { queue }] of resting(restMillis)) close(target, queue);
    },
  };
}
