/**
 * The workforce over BullMQ: a queue for each target that has due work, opened when it is first woken for and closed
 * after a minute of rest. Processes that only ask (`--role api`) add wake-ups; those that work open a worker as well.
 * A process learns of targets that others woke for by the bell, a publication, and by its own looks at the ledger.
 */
import type { ConnectionOptions } from "bullmq";
import type { TargetName } from "../../../domain/names.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { millis } from "../../../kernel/time.ts";
import type { Log } from "../../../ports/log.ts";
import type { Work, Workforce } from "../../../ports/workforce.ts";
import { openTargetQueue, type QueueDepth, type TargetQueue } from "./target-queue.ts";

export interface BullWorkforce extends Workforce {
  /** Of the queues that are open here. */
  depths(): Promise<ReadonlyMap<TargetName, QueueDepth>>;
}

interface OpenQueue {
  readonly queue: TargetQueue;
  wokenAt: number;
}

/** More targets than this take turns: each open worker is a connection. */
const mostQueues = 64;
const restMillis = 60_000;

export function createBullWorkforce(options: {
  prefix: string;
  adding: ConnectionOptions;
  working: ConnectionOptions;
  clock: Clock;
  log: Log;
}): BullWorkforce {
  const { clock, log } = options;
  const queues = new Map<TargetName, OpenQueue>();
  let work: Work | null = null;
  let isStopped = false;
  let cancelTidying = clock.after(millis(restMillis), tidy);

  /** Null while too many others are open and busy: the next look at the ledger asks again. */
  function opened(target: TargetName): OpenQueue | null {
    const known = queues.get(target);
    if (known !== undefined) return known;
    if (queues.size >= mostQueues && !closeOne(0)) return null;
    const queue = openTargetQueue({ ...options, target });
    if (work !== null) queue.work(work);
    const made = { queue, wokenAt: clock.monotonicMillis() };
    queues.set(target, made);
    return made;
  }

  /** Closes the one that rests longest, if it has rested long enough. */
  function closeOne(rest: number): boolean {
    const resting = [...queues]
      .filter(([, { queue, wokenAt }]) => queue.isIdle() && clock.monotonicMillis() - wokenAt >= rest)
      .toSorted(([, left], [, right]) => left.wokenAt - right.wokenAt)[0];
    if (resting === undefined) return false;
    const [target, { queue }] = resting;
    queues.delete(target);
    void queue.close().catch(() => log.warn("kill_queue_error", { target }));
    return true;
  }

  function tidy(): void {
    let isMore = true;
    while (isMore) isMore = closeOne(restMillis);
    if (!isStopped) cancelTidying = clock.after(millis(restMillis), tidy);
  }

  return {
    wake(target) {
      if (isStopped) return;
      const open = opened(target);
      if (open === null) return;
      open.wokenAt = clock.monotonicMillis();
      void open.queue.wake();
    },
    start(given) {
      work = given;
      for (const { queue } of queues.values()) queue.work(given);
    },
    async stop() {
      isStopped = true;
      cancelTidying();
      await Promise.allSettled([...queues.values()].map(({ queue }) => queue.close()));
    },
    async depths() {
      const asked = [...queues].map(async ([target, { queue }]) => [target, await queue.depth()] as const);
      return new Map(await Promise.all(asked));
    },
  };
}
