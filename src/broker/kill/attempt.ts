/** Records the verdict of an attempt under the fence of its claim, and tells what was recorded. */
import type { Lease } from "../../domain/lease.ts";
import { fraction } from "../../kernel/entropy.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { BrokerParts } from "../parts.ts";
import type { NoteKill } from "./note-kill.ts";
import type { KillAttempt } from "./kill-one.ts";

export type AttemptParts = Pick<
  BrokerParts,
  "ledger" | "providers" | "sealer" | "clock" | "entropy" | "changes" | "log" | "metrics"
> & {
  /** The ledger's clock, which due instants are of; after a step of the wall it may be hours ahead of it. */
  readonly ledgerNow: () => EpochMillis;
  /** Whether other processes kill, too. */
  readonly othersKill: boolean;
  readonly noteKill: NoteKill;
};

export interface Attempted {
  readonly lease: Lease;
  readonly fence: string;
  readonly attempt: KillAttempt;
}

/** Answers whether the lease was still this claim's: if not, others know more of the target by now than it does. */
export async function recordAttempt(parts: AttemptParts, { lease, fence, attempt }: Attempted): Promise<boolean> {
  const jitter = fraction(parts.entropy);
  const answer = await parts.ledger.recordVerdict({ leaseId: lease.id, fence, outcome: attempt.outcome, jitter });
  if (answer.kind === "ok") {
    tell(parts, answer.value);
    return true;
  }
  // Not recorded is not lost: the claim lapses and the lease is due again.
  const why = answer.kind === "conflict" ? answer.conflict.reason : "unknown";
  parts.log.warn("verdict_not_recorded", { lease: lease.id, why });
  return why !== "fence_lost";
}

function tell(parts: AttemptParts, lease: Lease): void {
  const { state, provider } = lease;
  parts.changes.notify(lease.taskId);
  parts.noteKill(lease);
  if (state.kind === "revoked" || state.kind === "expired") {
    const outcome = state.kind === "revoked" ? state.verdict : "expired";
    parts.metrics.count("mayfly_revocations_total", { cause: state.cause, outcome });
    const latencySeconds = Math.max(0, state.deadAt - state.killOrderedAt) / 1000;
    parts.metrics.observeSeconds("mayfly_revocation_latency_seconds", latencySeconds, { provider });
  } else if (state.kind === "stuck") {
    parts.metrics.count("mayfly_revocations_dead", { provider });
    parts.log.error("lease_stuck", { lease: lease.id, provider, reason: state.lastReason, fix: state.fix });
  } else if (state.kind === "revoking" && state.lastVerdict === "retry") {
    parts.metrics.count("mayfly_revocation_retries_total", { target: lease.target });
  }
}
