/** What is known of a target of revocation: its breaker, its pause, what waits there; and that of several shards, added up. */
import { earlierOf, type EpochMillis } from "../kernel/time.ts";
import type { ProviderName, TargetName } from "./names.ts";

export type Breaker =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly until: EpochMillis; readonly reason: string };

export interface TargetState {
  readonly target: TargetName;
  readonly provider: ProviderName;
  readonly breaker: Breaker;
  readonly paused: boolean;
  readonly due: number;
  readonly oldestDueAt: EpochMillis | null;
  /** Leases that a worker has in hand. */
  readonly claimed: number;
  /** Leases that need a person; they are due again at a slow pace. */
  readonly stuck: number;
}

/** Of the same target in several shards. Where a change reached only some of them, what holds kills up is shown. */
export function mergeTargets(states: readonly TargetState[]): TargetState {
  const [head, ...rest] = states;
  if (head === undefined) throw new Error("nothing to merge");
  return rest.reduce(
    (left, right) => ({
      ...left,
      breaker: laterBreaker(left.breaker, right.breaker),
      paused: left.paused || right.paused,
      due: left.due + right.due,
      oldestDueAt: earlierOf(left.oldestDueAt, right.oldestDueAt),
      claimed: left.claimed + right.claimed,
      stuck: left.stuck + right.stuck,
    }),
    head,
  );
}

export function laterBreaker(left: Breaker, right: Breaker): Breaker {
  if (left.kind === "closed" || right.kind === "closed") return left.kind === "closed" ? right : left;
  return left.until < right.until ? right : left;
}
