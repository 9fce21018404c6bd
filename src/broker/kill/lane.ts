/**
 * The workers of one target: claims chunks of due leases and works on each within the target's own slots, so that a
 * hanging target holds up nobody else. A claim that is not answered for lapses and is claimed anew.
 */
import type { Lease } from "../../domain/lease.ts";
import type { TargetName } from "../../domain/names.ts";
import { maxClaimRows } from "../../kernel/limits.ts";
import { millis } from "../../kernel/time.ts";
import { recordAttempt, type AttemptParts } from "./attempt.ts";
import { createDoorbell } from "./doorbell.ts";
import { killOne, type KillAttempt } from "./kill-one.ts";
import { createTargetBreaker, type BreakerReading, type Tick } from "./target-breaker.ts";
import { createVerdictBatch } from "./verdict-batch.ts";

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
const refillAt = 32;
/** A ledger that is slow to record verdicts is not given ever more of them. */
const maxUnrecorded = 2 * slots;
/** Above the time of revoke and probe together, so that no attempt outlives its claim. */
const claimMillis = 30_000;

export function createLane(parts: AttemptParts, target: TargetName, counters: LaneCounters): Lane {
  const breaker = createTargetBreaker(parts, target, counters.tick);
  const verdicts = createVerdictBatch(parts.clock);
  const { promise: drained, resolve: tellDrained } = Promise.withResolvers<void>();
  /** How many leases of each claim have no recorded verdict yet. */
  const unfinished = new Map<string, number>();
  let inFlight = 0;
  let unrecorded = 0;
  let isDraining = false;
  /** The last claim took all that was due: nothing to ask for until the pool says so. */
  let isDry = false;

  async function work(lease: Lease, fence: string): Promise<void> {
    try {
      const attempt = await attemptKill(lease);
      const recorded = verdicts.add(() => recordAttempt(parts, { lease, fence, attempt }));
      // The breaker waits for it; and with nothing in flight there is nothing to wait for.
      if (attempt.targetFault || inFlight === 0) verdicts.flush();
      else claims.ring();
      await recorded;
      await breaker.note(attempt);
    } catch {
      parts.log.error("attempt_failed", { lease: lease.id, target });
    }
    finish(fence);
    claims.ring();
  }

  async function attemptKill(lease: Lease): Promise<KillAttempt> {
    try {
      return await killOne(parts, lease, parts.ledgerNow());
    } finally {
      inFlight -= 1;
    }
  }

  function finish(fence: string): void {
    unrecorded -= 1;
    const left = (unfinished.get(fence) ?? 1) - 1;
    if (left === 0) unfinished.delete(fence);
    else unfinished.set(fence, left);
  }

  const free = (): number => {
    const allowed = breaker.allowed();
    if (isDraining || isDry || allowed === "none") return 0;
    if (allowed === "one") return unrecorded === 0 ? 1 : 0;
    return inFlight > refillAt ? 0 : Math.min(maxClaimRows, slots - inFlight, maxUnrecorded - unrecorded);
  };

  const claims = createDoorbell(async () => {
    try {
      await claimAll();
    } catch {
      isDry = false;
      parts.log.error("claim_failed", { target });
    }
    if (isDraining && unrecorded === 0) tellDrained();
  });

  async function claimAll(): Promise<void> {
    for (let limit = free(); limit > 0; limit = free()) {
      const fence = counters.newFence();
      // In the same turn, and so in one commit with the claim.
      verdicts.flush();
      isDry = true;
      const answer = await parts.ledger.claimDue({ target, limit, claim: millis(claimMillis), fence });
      if (answer.kind !== "ok" || answer.value.length === limit) isDry = false;
      if (answer.kind !== "ok" || answer.value.length === 0) break;
      inFlight += answer.value.length;
      unrecorded += answer.value.length;
      unfinished.set(fence, answer.value.length);
      for (const lease of answer.value) void work(lease, fence);
    }
  }

  return {
    fill(reading) {
      breaker.sync(reading);
      isDry = false;
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
