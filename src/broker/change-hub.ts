/**
 * Wakes those who wait for a task to change (`Prefer: wait`), and nobody else: a change of a task wakes who waits for
 * it or for a task above it, whose report shows it too. Only a hint inside one process: a waiter always reads the
 * ledger again, so a lost wake-up costs latency, never truth.
 */
import type { Clock } from "../kernel/clock.ts";
import type { TaskId } from "../kernel/ids.ts";
import type { Millis } from "../kernel/time.ts";
import type { Ledger } from "../ports/ledger.ts";

export interface ChangeHub {
  /** Something that a report of the task shows has changed. */
  notify(taskId: TaskId): void;
  /** Resolves at the task's next change or after `timeout`, whichever is first. */
  next(taskId: TaskId, timeout: Millis): Promise<void>;
}

export function createChangeHub({ clock, ledger }: { clock: Clock; ledger: Pick<Ledger, "readTask"> }): ChangeHub {
  const waiting = new Map<TaskId, Set<() => void>>();
  /** Tasks whose ancestors are being looked up: more changes meanwhile need no second look. */
  const looking = new Set<TaskId>();

  const wakeAll = (taskId: TaskId): void => {
    for (const wake of waiting.get(taskId) ?? []) wake();
  };

  async function wakeAbove(taskId: TaskId): Promise<void> {
    looking.add(taskId);
    try {
      const view = await ledger.readTask(taskId);
      for (const { id } of view?.ancestors ?? []) wakeAll(id);
    } catch {
      // They look again by themselves.
    } finally {
      looking.delete(taskId);
    }
  }

  return {
    notify(taskId) {
      wakeAll(taskId);
      // Who is left waits for another task, which may be above this one.
      if (waiting.size > 0 && !looking.has(taskId)) void wakeAbove(taskId);
    },
    next(taskId, timeout) {
      return new Promise((resolve) => {
        const ofTask = waiting.get(taskId) ?? new Set();
        waiting.set(taskId, ofTask);
        const wake = (): void => {
          cancel();
          ofTask.delete(wake);
          if (ofTask.size === 0) waiting.delete(taskId);
          resolve();
        };
        const cancel = clock.after(timeout, wake);
        ofTask.add(wake);
      });
    },
  };
}
