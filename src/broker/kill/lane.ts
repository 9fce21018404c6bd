/**
 * The workers of one target: claims chunks of due leases and works on each within the target's own slots, so that a
 * hanging target holds up nobody else. A claim that is not answered for lapses and is claimed anew.
 */
import type { Lease } from "../../domain/lease.ts";
import type { TargetName } from "../../domain/names.ts";
import { maxClaimRows } from "../../kernel/limits.ts";
import { millis } from "../../kernel/time.ts";
import { attemptKill, type AttemptParts } from "./attempt.ts";
import { createDoorbell } from "./doorbell.ts";
import { createTargetBreaker, type BreakerReading, type Tick } from "./target-breaker.ts";

export interface Lane {
  /** Claims as long as there are free slots and due leases; returns at once. */
  fill(reading: BreakerReading): void;
  /** Claims nothing more; resolves when nothing is in flight. */
  drain(): Promise<void>;
  /** Claims that still hold unfinished leases. */
  openClaims(): readonly string[];
}

/** What all lanes of a pool draw from. */
export interface LaneCounters {
  readonly newFence: () => string;
  readonly tick: Tick;
}

/** Attempts of one target at a time. */
const slots = 64;
/** Claims are made in chunks: a new one when this many are left in flight. */
const refillAt = 40;
/** Above the time of revoke and probe together, so that no attempt outlives its claim. */
const claimMillis = 30_000;

export function createLane(parts: AttemptParts, target: TargetName, counters: LaneCounters): Lane {
  const breaker = createTargetBreaker(parts, target, counters.tick);
  const { promise: drained, resolve: tellDrained } = Promise.withResolvers<void>();
  const unfinished = new Map<string, number>();
  let inFlight = 0;
  let isDraining = false;

  async function work(lease: Lease, fence: string): Promise<void> {
    try {
      await breaker.note(await attemptKill(parts, lease, fence));
    } catch {
      parts.log.error("attempt_failed", { lease: lease.id, target });
    }
    inFlight -= 1;
    const left = (unfinished.get(fence) ?? 1) - 1;
    if (left === 0) unfinished.delete(fence);
    else unfinished.set(fence, left);
    claims.ring();
  }

  const free = (): number => {
    const allowed = breaker.allowed();
    if (isDraining || allowed === "none") return 0;
    if (allowed === "one") return inFlight === 0 ? 1 : 0;
    return inFlight > refillAt ? 0 : Math.min(maxClaimRows, slots - inFlight);
  };

  const claims = createDoorbell(async () => {
    try {
      await claimAll();
    } catch {
      parts.log.error("claim_failed", { target });
    }
    if (isDraining && inFlight === 0) tellDrained();
  });

  async function claimAll(): Promise<void> {
    for (let limit = free(); limit > 0; limit = free()) {
      const fence = counters.newFence();
      const answer = await parts.ledger.claimDue({ target, limit, claim: millis(claimMillis), fence });
      if (answer.kind !== "ok" || answer.value.length === 0) break;
      inFlight += answer.value.length;
      unfinished.set(fence, answer.value.length);
      for (const lease of answer.value) void work(lease, fence);
    }
  }

  return {
    fill(reading) {
      breaker.sync(reading);
      claims.ring();
    },
    drain() {
      isDraining = true;
      claims.ring();
      return drained;
    },
    openClaims: () => [...unfinished.keys()],
  };
}
