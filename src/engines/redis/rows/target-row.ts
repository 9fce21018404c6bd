/** What a shard says of a target. */
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
