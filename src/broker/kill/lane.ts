/**
 * The workers of one target: claims chunks of due leases and runs kill-one on each, within the target's own slots, so
 * that a hanging target holds up nobody else. A claim that is not answered for lapses and is claimed anew.
 */
import type { Lease } from "../../domain/lease.ts";
import type { TargetName } from "../../domain/names.ts";
import { fraction } from "../../kernel/entropy.ts";
import { maxClaimRows } from "../../kernel/limits.ts";
import { millis } from "../../kernel/time.ts";
import type { Breaker } from "../../ports/ledger.ts";
import { brokerCause } from "../cause.ts";
import type { BrokerParts } from "../parts.ts";
import { afterAttempt, allowed, closedBreaker, sync } from "./breaker.ts";
import { killOne, type KillAttempt } from "./kill-one.ts";

export type LaneParts = Pick<
  BrokerParts,
  "ledger" | "providers" | "sealer" | "clock" | "entropy" | "changes" | "log" | "metrics"
>;

export interface Lane {
  /** Claims as long as there are free slots and due leases; returns at once. `breaker` is the ledger's word. */
  fill(breaker: Breaker): void;
  /** Claims nothing more; resolves when nothing is in flight. */
  drained(): Promise<void>;
  inFlight(): number;
}

/** Attempts of one target at a time. */
const slots = 64;
/** Claims are made in chunks: a new one when this many are left in flight. */
const refillAt = 40;
/** Above the time of revoke and probe together, so that no attempt outlives its claim. */
const claimMillis = 30_000;

export function createLane(parts: LaneParts, target: TargetName, newFence: () => string): Lane {
  let breaker = closedBreaker;
  let inFlight = 0;
  let claiming = false;
  let claimAgain = false;
  let stopped = false;
  let idle: (() => void) | null = null;

  async function claimOnce(): Promise<boolean> {
    const gate = allowed(breaker, parts.clock.now());
    const free = gate === "many" ? Math.min(maxClaimRows, slots - inFlight) : 1;
    if (stopped || gate === "none" || free <= 0 || (gate === "one" && inFlight > 0)) return false;
    const fence = newFence();
    const answer = await parts.ledger.claimDue({ target, limit: free, claim: millis(claimMillis), fence });
    const leases = answer.kind === "ok" ? answer.value : [];
    for (const lease of leases) {
      inFlight += 1;
      void attempt(lease, fence).finally(settled);
    }
    return leases.length > 0 && gate === "many";
  }

  /** A call while claiming is remembered: what fell due after the claim was read must not wait for the next ring. */
  function claimMore(): void {
    claimAgain = true;
    if (claiming || stopped || inFlight > refillAt) return;
    claiming = true;
    void (async () => {
      try {
        while (claimAgain) {
          claimAgain = false;
          while (await claimOnce());
        }
      } finally {
        claiming = false;
        checkIdle();
      }
    })();
  }

  async function attempt(lease: Lease, fence: string): Promise<void> {
    const result = await killOne(parts, lease);
    const answer = await parts.ledger.recordVerdict({
      leaseId: lease.id,
      fence,
      outcome: result.outcome,
      jitter: fraction(parts.entropy),
    });
    if (answer.kind === "ok") tell(answer.value);
    else
      parts.log.warn("verdict_not_recorded", {
        lease: lease.id,
        why: answer.kind === "conflict" ? answer.conflict.reason : "unknown",
      });
    await updateBreaker(result);
  }

  async function updateBreaker(result: KillAttempt): Promise<void> {
    const reason = "reason" in result.outcome ? result.outcome.reason : "";
    const next = afterAttempt(breaker, { fault: result.targetFault, reason }, parts.clock.now());
    const changed =
      next.breaker !== breaker.breaker && (next.breaker.kind === "open" || breaker.breaker.kind === "open");
    breaker = next;
    if (!changed) return;
    parts.log.warn("breaker", { target, state: next.breaker.kind, reason });
    await parts.ledger.setTarget({ target, breaker: next.breaker, paused: null, cause: brokerCause() });
  }

  /** What users and metrics are told of a recorded verdict. */
  function tell(lease: Lease): void {
    const { state } = lease;
    parts.changes.notify();
    if (state.kind === "revoked" || state.kind === "expired") {
      const outcome = state.kind === "revoked" ? state.verdict : "expired";
      parts.metrics.count("mayfly_revocations_total", { cause: state.cause, outcome });
      const latencySeconds = Math.max(0, state.deadAt - state.killOrderedAt) / 1000;
      parts.metrics.observeSeconds("mayfly_revocation_latency_seconds", latencySeconds, { provider: lease.provider });
    } else if (state.kind === "stuck") {
      parts.metrics.count("mayfly_revocations_dead", { provider: lease.provider });
      parts.log.error("lease_stuck", { lease: lease.id, target, reason: state.lastReason ?? "", fix: state.fix });
    }
  }

  function settled(): void {
    inFlight -= 1;
    claimMore();
    checkIdle();
  }

  function checkIdle(): void {
    if (inFlight === 0 && !claiming && idle !== null) idle();
  }

  return {
    fill(ledgerBreaker) {
      breaker = sync(breaker, ledgerBreaker);
      claimMore();
    },
    inFlight: () => inFlight,
    drained() {
      stopped = true;
      return new Promise((resolve) => {
        idle = resolve;
        checkIdle();
      });
    },
  };
}
