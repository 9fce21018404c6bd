/**
 * The ledger's clock as far as the kill path has seen it. Due instants are the ledger's, which never goes back: after a
 * step of the wall it may be hours ahead, and whoever compared its instants with the wall would sleep as long. So this
 * one does not go back either: since it was seen it has moved at least as the monotonic clock did.
 */
import type { Clock } from "../../kernel/clock.ts";
import { addMillis, epochMillis, type EpochMillis } from "../../kernel/time.ts";

export interface LedgerTime extends Pick<Clock, "now" | "after"> {
  /** What the ledger said just now. */
  saw(ledgerNow: EpochMillis): void;
}

export function createLedgerTime(clock: Clock): LedgerTime {
  let seen = { ledger: clock.now(), monotonic: clock.monotonicMillis() };
  return {
    now() {
      const moved = addMillis(seen.ledger, clock.monotonicMillis() - seen.monotonic);
      return epochMillis(Math.max(clock.now(), moved));
    },
    after: (delay, callback) => clock.after(delay, callback),
    saw: (ledger) => void (seen = { ledger, monotonic: clock.monotonicMillis() }),
  };
}
