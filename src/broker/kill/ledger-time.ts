/**
 * The ledger's clock as far as the kill path has seen it. Due instants are the ledger's, which never goes back: after a
 * step of the wall it may be hours ahead, and whoever compared its instants with the wall would sleep as long.
 */
import type { Clock } from "../../kernel/clock.ts";
import { addMillis, type EpochMillis } from "../../kernel/time.ts";

export interface LedgerTime extends Pick<Clock, "now" | "after"> {
  /** What the ledger said just now. */
  saw(ledgerNow: EpochMillis): void;
}

export function createLedgerTime(clock: Clock): LedgerTime {
  let aheadMillis = 0;
  return {
    now: () => addMillis(clock.now(), aheadMillis),
    after: (delay, callback) => clock.after(delay, callback),
    saw: (ledgerNow) => void (aheadMillis = Math.max(0, ledgerNow - clock.now())),
  };
}
