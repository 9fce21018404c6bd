/**
 * Where several processes kill, one may lack what a lease needs: its policy is older, or its ring lacks a key. It leaves
 * such a lease to the others: tried again soon, and meanwhile this process keeps its hands off the target, then asks for
 * one at a time. Only where nobody could for a while does it become `stuck`, as it does at once where nobody else kills.
 */
import { isDying } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { TargetName } from "../../domain/names.ts";
import { restWithoutMeansMillis, waitForMeansMillis } from "../../kernel/limits.ts";
import { addMillis, type EpochMillis } from "../../kernel/time.ts";
import { providerMissingReason } from "../provider-facade.ts";
import type { AttemptParts } from "./attempt.ts";
import type { allowed } from "./breaker.ts";
import { sealKeyMissingReason, type KillAttempt } from "./kill-one.ts";

export interface Means {
  allowed(): ReturnType<typeof allowed>;
  /** What to record of an attempt. */
  judged(lease: Lease, attempt: KillAttempt): KillAttempt;
}

type Parts = Pick<AttemptParts, "clock" | "ledgerNow" | "log" | "othersKill">;

export function createMeans({ clock, ledgerNow, log, othersKill }: Parts, target: TargetName): Means {
  /** On the monotonic clock; null after an attempt that lacked nothing. */
  let restsUntil: number | null = null;
  return {
    allowed() {
      if (restsUntil === null) return "many";
      return clock.monotonicMillis() < restsUntil ? "none" : "one";
    },
    judged(lease, attempt) {
      const { outcome, lacksMeans } = attempt;
      if (!lacksMeans || outcome.kind !== "refused" || !othersKill) {
        restsUntil = null;
        return attempt;
      }
      if (restsUntil === null) log.warn("kill_means_missing", { target, reason: outcome.reason });
      restsUntil = clock.monotonicMillis() + restWithoutMeansMillis;
      if (!isForOthers(lease, ledgerNow())) return attempt;
      return { ...attempt, outcome: { kind: "retry", reason: outcome.reason, of: "lease" } };
    },
  };
}

/** What lacks are told as. Each process may lack something else, and then none of them can. */
const lacks: readonly (string | null)[] = [providerMissingReason, sealKeyMissingReason];

/** An old order that was held up by something else has its turn with the others, too. */
function isForOthers({ state }: Lease, now: EpochMillis): boolean {
  if (!isDying(state) || state.kind === "stuck") return false;
  return now < addMillis(state.killOrderedAt, waitForMeansMillis) || !lacks.includes(state.lastReason);
}
