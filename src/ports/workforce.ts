/**
 * Who does the killing. A wake-up is only a hint: the ledger holds what is due, workers claim it there when they start,
 * and what was woken for and not done is found due again. Lost, doubled or late wake-ups cost time, never a credential.
 */
import type { TargetName } from "../domain/names.ts";
import type { Millis } from "../kernel/time.ts";

export interface Workforce {
  /** Whether other processes work too. */
  readonly isShared: boolean;
  /** The ledger is looked at this often even if nothing rings: what another process left undone waits no longer. */
  readonly longestSleep: Millis;
  /** Something of this target is due: a worker, of this process or another, should look soon. Never throws. */
  wake(target: TargetName): void;
  /** From now on this process works too. */
  start(work: Work): void;
  /** Wake-ups by target, over all processes that share them; none where they wait nowhere. */
  depths(): Promise<ReadonlyMap<TargetName, QueueDepth>>;
  /** Takes nothing more and resolves when what was begun is done. */
  stop(): Promise<void>;
}

export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
}

/**
 * One chunk: claims what is due of the target and ends it. Calls `again` as soon as it knows that more is due than it
 * could claim, so that others begin while it works. Must not throw.
 */
export type Work = (target: TargetName, again: () => void) => Promise<void>;
