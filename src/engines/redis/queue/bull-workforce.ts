/**
 * The workforce over BullMQ: a queue for each target that has due work, opened when it is first woken for and closed
 * after a minute of rest. Processes that only ask (`--role api`) add wake-ups; those that work open workers as well.
 * What another process woke for is heard of over the bell (`bell.ts`), and found in the ledger at the latest.
 */
import type { ConnectionOptions } from "bullmq";
import type { Clock } from "../../../kernel/clock.ts";
import { millis } from "../../../kernel/time.ts";
import type { Log } from "../../../ports/log.ts";
import type { Work, Workforce } from "../../../ports/workforce.ts";
import type { Bell } from "./bell.ts";
import { createOpenQueues } from "./open-queues.ts";
import { openTargetQueue } from "./target-queue.ts";

/** More targets than this take turns: each open worker is a connection. */
const mostQueues = 64;
const restMillis = 60_000;

export function createBullWorkforce(options: {
  prefix: string;
  adding: ConnectionOptions;
  working: ConnectionOptions;
  bell: Bell;
  clock: Clock;
  log: Log;
}): Workforce {
  const { bell, clock, log } = options;
  let work: Work | null = null;
  let isStopped = false;
  const queues = createOpenQueues({
    most: mostQueues,
    clock,
    log,
    open(target) {
      const queue = openTargetQueue({ ...options, target });
      if (work !== null) queue.work(work);
      return queue;
    },
  });
  const tidyLater = () =>
    clock.after(millis(restMillis), () => {
      queues.closeResting(restMillis);
      if (!isStopped) cancelTidying = tidyLater();
    });
  let cancelTidying = tidyLater();

  return {
    isShared: true,
    longestSleep: millis(1_000),
    wake(target) {
      if (isStopped) return;
      const wasOpen = queues.has(target);
      const queue = queues.get(target);
      // A queue's connections take longer than a claim: what it is opened for does not wait for them.
      if (!wasOpen) queue?.workAtOnce();
      void queue?.wake();
      bell.ring(target);
    },
    start(given) {
      work = given;
      for (const [, queue] of queues.all()) queue.work(given);
      bell.listen((target) => {
        if (!isStopped) queues.get(target);
      });
    },
    async stop() {
      isStopped = true;
      cancelTidying();
      bell.close();
      await Promise.allSettled(queues.all().map(([, queue]) => queue.close()));
    },
    // Of the queues that are open here: every target that had something due in the last minute.
    async depths() {
      const asked = queues.all().map(async ([target, queue]) => [target, await queue.depth()] as const);
      return new Map(await Promise.all(asked));
    },
  };
}
