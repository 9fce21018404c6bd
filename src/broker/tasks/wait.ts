/** Waits for something in the ledger to become true, woken by changes, at most `Prefer: wait` seconds (RFC 7240). */
import { maxWaitSeconds } from "../../kernel/limits.ts";
import type { TaskId } from "../../kernel/ids.ts";
import { millis, millisBetween, addMillis, type Seconds } from "../../kernel/time.ts";
import type { BrokerParts } from "../parts.ts";

/** A change made by time, by a sweep or above the task wakes nobody: look again at this pace. */
const lookAgainMillis = 250;
/** Many verdicts a second are one look, so that a waiter costs the kill path nothing. */
const coalesceMillis = 10;

/** Which task, and how long. */
export interface TaskWait extends Wait {
  readonly taskId: TaskId;
}

export interface Wait {
  readonly seconds: Seconds;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export async function waitUntil(
  parts: Pick<BrokerParts, "clock" | "changes">,
  wait: TaskWait,
  isTrue: () => Promise<boolean>,
): Promise<void> {
  const { clock, changes } = parts;
  const until = addMillis(clock.now(), Math.min(wait.seconds, maxWaitSeconds) * 1000);
  while (!wait.signal.aborted && !(await isTrue())) {
    const left = millisBetween(clock.now(), until);
    if (left <= 0) return;
    await changes.next(wait.taskId, millis(Math.min(left, lookAgainMillis)));
    await new Promise<void>((resolve) => clock.after(millis(Math.min(left, coalesceMillis)), resolve));
  }
}
