/**
 * Wakes those who wait for a task to change (`Prefer: wait`). Only a hint inside one process: a waiter always reads
 * the ledger again, so a lost wake-up costs latency, never truth.
 */
import type { Clock } from "../kernel/clock.ts";
import type { Millis } from "../kernel/time.ts";

export interface ChangeHub {
  /** Something that a report shows has changed. */
  notify(): void;
  /** Resolves at the next change or after `timeout`, whichever is first. */
  next(timeout: Millis): Promise<void>;
}

export function createChangeHub(clock: Clock): ChangeHub {
  const waiting = new Set<() => void>();
  return {
    notify() {
      for (const wake of waiting) wake();
    },
    next(timeout) {
      return new Promise((resolve) => {
        const wake = (): void => {
          cancel();
          waiting.delete(wake);
          resolve();
        };
        const cancel = clock.after(timeout, wake);
        waiting.add(wake);
      });
    },
  };
}
