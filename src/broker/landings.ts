/**
 * How long a mint may still take effect: until then "not found" at its system is no answer. Calls of this process are
 * measured on the monotonic clock, because a wall that steps forward during a call would end the wait too early.
 */
import type { Lease } from "../domain/lease.ts";
import { isDying } from "../domain/lease-transition.ts";
import type { Clock } from "../kernel/clock.ts";
import type { LeaseId } from "../kernel/ids.ts";
import { mintMarginMillis, mintTimeoutMillis } from "../kernel/limits.ts";
import { millis, millisBetween, type EpochMillis, type Millis } from "../kernel/time.ts";

export interface Landings {
  /**
   * An intent is on its way to the ledger, or its call begins and is cancelled after `timeout`. Answers how long the call
   * may take: what was begun before ends when it was said to, or the kill path has believed "not found" by then.
   */
  begin(leaseId: LeaseId, timeout: Millis): Millis;
  /** Zero once "not found" is final. `settle` is what the system needs to show what it made. */
  left(lease: Pick<Lease, "id" | "mintAbortAt" | "state">, settle: Millis, ledgerNow: EpochMillis): Millis;
}

/** Longer than any system needs to show what it made. */
const keptMillis = 3_600_000;

export function createLandings(clock: Clock): Landings {
  const startedAt = clock.monotonicMillis();
  /** When the call of a lease is over for sure, roughly in the order of their beginning. */
  const overAt = new Map<LeaseId, number>();

  function forgetOld(now: number): void {
    for (const [leaseId, at] of overAt) {
      if (now < at + keptMillis) return;
      overAt.delete(leaseId);
    }
  }

  return {
    begin(leaseId, timeout) {
      const now = clock.monotonicMillis();
      forgetOld(now);
      const over = Math.min(now + timeout + mintMarginMillis, overAt.get(leaseId) ?? Number.POSITIVE_INFINITY);
      overAt.set(leaseId, over);
      return millis(Math.max(0, over - mintMarginMillis - now));
    },
    left(lease, settle, ledgerNow) {
      const outcomeUnknown = isDying(lease.state) && lease.state.outcomeUnknown;
      if (!outcomeUnknown && settle === 0) return millis(0);
      const now = clock.monotonicMillis();
      const own = overAt.get(lease.id);
      if (own !== undefined) return millis(Math.max(0, own + settle - now));
      // Of an earlier life or of another node: over when the uptime and the ledger's clock both say so.
      const byUptime = startedAt + mintTimeoutMillis - now;
      const byLedger = millisBetween(ledgerNow, lease.mintAbortAt);
      return millis(Math.max(0, Math.max(byUptime, byLedger) + mintMarginMillis + settle));
    },
  };
}
