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
import { killOne } from "./kill-one.ts";
import { createMeans, type Means } from "./means.ts";
import { createOpenClaims, type OpenClaims } from "./open-claims.ts";
import { createTargetBreaker, type BreakerReading, type TargetBreaker, type Tick } from "./target-breaker.ts";
import { createVerdictBatch, type VerdictBatch } from "./verdict-batch.ts";

export interface Lane {
  /** What the ledger says of the target's breaker. */
  sync(reading: BreakerReading): void;
  /**
   * Claims as long as there are free slots and due leases; resolves when nothing is in hand any more. `again` is told
   * when a claim took as much as it could: others may help.
   */
  work(again: () => void): Promise<void>;
  /** Resolves when nothing is in hand, with how many leases were claimed since the lane was made. */
  settled(): Promise<number>;
  /** Claims nothing more; resolves when every verdict is recorded. */
  drain(): Promise<void>;
  /** Claims that still hold unfinished leases. */
  openClaims(): readonly string[];
}

/** What all lanes of a pool draw from. */
export interface LaneCounters {
  readonly newFence: () => string;
  readonly tick: Tick;
  /** How many leases may be claimed yet. */
  readonly claimsLeft: () => number;
  readonly claimed: (leases: number) => void;
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
  const means = createMeans(parts, target);
  const verdicts = createVerdictBatch(parts.clock);
  const inHand = createOpenClaims();
  const idle = createWaiters();
  let isDraining = false;
  let askForHelp: () => void = () => {};
  /** The last claim took all that was due: nothing to ask for until the pool says so. */
  let isDry = false;

  const workplace: Workplace = { parts, breaker, means, verdicts, inHand, ring: () => claims.ring() };

  const free = (): number =>
    isDraining || isDry ? 0 : Math.min(counters.claimsLeft(), allowance([breaker.allowed(), means.allowed()], inHand));

  const claims = createDoorbell(async () => {
    try {
      for (let limit = free(); limit > 0; limit = free()) if (!(await claim(limit))) break;
    } catch {
      isDry = false;
      parts.log.error("claim_failed", { target });
    }
    if (inHand.unrecorded() === 0) idle.tell();
  });

  /** Answers whether the ledger took it: a sick store is not asked again at once. */
  async function claim(limit: number): Promise<boolean> {
    const fence = counters.newFence();
    // In one turn of the event loop, and so in one commit with the claim.
    verdicts.flush();
    isDry = true;
    const answer = await parts.ledger.claimDue({ target, limit, claim: millis(claimMillis), fence });
    isDry = answer.kind === "ok" && answer.value.length < limit;
    if (answer.kind !== "ok") return false;
    if (!isDry) askForHelp();
    counters.claimed(answer.value.length);
    if (answer.value.length > 0) inHand.opened(fence, answer.value.length);
    for (const lease of answer.value) void attemptOn(workplace, { lease, fence });
    return true;
  }

  const untilIdle = (): Promise<void> => idle.waitFor(() => claims.ring());

  return {
    sync: (reading) => breaker.sync(reading),
    work(again) {
      askForHelp = again;
      isDry = false;
      return untilIdle();
    },
    settled: () => untilIdle().then(() => inHand.claimed()),
    drain() {
      isDraining = true;
      return untilIdle();
    },
    openClaims: () => inHand.fences(),
  };
}

/** How many leases a claim may take. */
function allowance(allowed: readonly ReturnType<TargetBreaker["allowed"]>[], inHand: OpenClaims): number {
  if (allowed.includes("none")) return 0;
  if (allowed.includes("one")) return inHand.unrecorded() === 0 ? 1 : 0;
  const attempts = inHand.attempts();
  return attempts > refillAt ? 0 : Math.min(maxClaimRows, slots - attempts, maxUnrecorded - inHand.unrecorded());
}

/** Who waits for the lane to have nothing in hand. */
function createWaiters() {
  let waiting: (() => void)[] = [];
  return {
    /** `begin` may tell at once. */
    waitFor(begin: () => void): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      begin();
      return promise;
    },
    tell(): void {
      const told = waiting;
      waiting = [];
      for (const resolve of told) resolve();
    },
  };
}

interface Workplace {
  readonly parts: AttemptParts;
  readonly breaker: TargetBreaker;
  readonly means: Means;
  readonly verdicts: VerdictBatch;
  readonly inHand: OpenClaims;
  /** Something became free. */
  readonly ring: () => void;
}

/** Leaves its slot as soon as the provider answered; the verdict may wait for others. */
async function attemptOn(at: Workplace, claimed: { lease: Lease; fence: string }): Promise<void> {
  const { parts, breaker, means, verdicts, inHand } = at;
  const { lease, fence } = claimed;
  try {
    const tried = await killOne(parts, lease, parts.ledgerNow()).finally(() => inHand.attempted());
    const attempt = means.judged(lease, tried);
    const recorded = verdicts.add(() => recordAttempt(parts, { ...claimed, attempt }));
    // The breaker waits for a fault; and with no attempt under way there is nothing to wait for.
    if (attempt.targetFault || inHand.attempts() === 0) verdicts.flush();
    at.ring();
    // An old fault of a lease that is another's could open a breaker behind which nothing is left to close it; and where
    // nobody was asked, the target has not answered.
    if ((await recorded) && attempt.lacksMeans !== true) await breaker.note(attempt);
  } catch {
    parts.log.error("attempt_failed", { lease: lease.id, target: lease.target });
  }
  inHand.recorded(fence);
  at.ring();
}
