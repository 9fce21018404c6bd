/**
 * Verdicts that wait to be recorded together, because a commit of one costs nearly what a commit of fifty does. None
 * waits for long, and losing them loses nothing: a lease without a verdict is tried again.
 */
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { millis } from "../../kernel/time.ts";

export interface VerdictBatch {
  /** Resolves with what `record` does. */
  add<T>(record: () => Promise<T>): Promise<T>;
  /** Records all that waits, in one turn of the event loop and so in one commit. */
  flush(): void;
}

/** Well below what a network round trip to a provider takes; without it a slow attempt would hold up the quick ones. */
const longestWaitMillis = 2;

export function createVerdictBatch(clock: Pick<Clock, "after">): VerdictBatch {
  let waiting: (() => void)[] = [];
  let cancelTimer: Cancel = () => {};

  function flush(): void {
    cancelTimer();
    const now = waiting;
    waiting = [];
    for (const start of now) start();
  }

  return {
    flush,
    add<T>(record: () => Promise<T>) {
      const { promise, resolve } = Promise.withResolvers<T>();
      if (waiting.length === 0) cancelTimer = clock.after(millis(longestWaitMillis), flush);
      waiting.push(() => resolve(record()));
      return promise;
    },
  };
}
