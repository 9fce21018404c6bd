/** What shards say of a target, and what that adds up to. */
import type { ProviderName, TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { epochMillis, type Millis } from "../../../kernel/time.ts";
import type { Breaker } from "../../../ports/ledger-commands.ts";
import type { TargetState } from "../../../ports/ledger-views.ts";
import { numberOf, textOf, type Reply } from "../script.ts";

/** A negative instant stands for none. */
export function breakerFrom(openUntil: Reply | undefined, reason: Reply | undefined): Breaker {
  const until = numberOf(openUntil);
  return until < 0 ? { kind: "closed" } : { kind: "open", until: epochMillis(until), reason: textOf(reason) };
}

/** [name, open until, why, paused, due, oldest due, claimed, stuck], of a shard whose clock is so far behind. */
export function targetFrom(reply: readonly Reply[], behind: Millis): TargetState {
  const [name, openUntil, reason, paused, due, oldestDueAt, claimed, stuck] = reply;
  const target = brand<TargetName>(textOf(name));
  const oldest = numberOf(oldestDueAt);
  return {
    target,
    provider: brand<ProviderName>(target.split("/")[0] ?? target),
    breaker: breakerFrom(openUntil, reason),
    paused: numberOf(paused) === 1,
    due: numberOf(due),
    oldestDueAt: oldest < 0 ? null : epochMillis(oldest + behind),
    claimed: numberOf(claimed),
    stuck: numberOf(stuck),
  };
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
      oldestDueAt: earlier(left.oldestDueAt, right.oldestDueAt),
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

export function earlier<T extends number>(left: T | null, right: T | null): T | null {
  if (left === null || right === null) return left ?? right;
  return left < right ? left : right;
}
