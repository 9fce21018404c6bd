/** What an engine hands to the kit: a ledger on a manual clock, and a way to close and reopen it on its own storage. */
import type { EpochMillis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { ManualClock } from "../../support/manual-clock.ts";

export interface LedgerHarness {
  /** The open ledger; another object after `restart`. */
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  /** One unless told. Each shard judges for itself whether the kills of a target are late. */
  readonly shards?: number;
  /** Closes and reopens over the same storage. The clock does not move. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export type MakeHarness = (options?: { startAt?: EpochMillis }) => Promise<LedgerHarness>;
