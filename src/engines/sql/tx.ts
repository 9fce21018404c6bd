/**
 * What a verb gets: the database, one instant of the ledger's clock, and the bookkeeping of the commit that it is part
 * of. A verb is a synchronous function of this and its command. It checks first and writes last; when it throws,
 * the caller undoes its savepoint and rebuilds the bookkeeping from the store.
 */
import type { AuditDraft, Cause } from "../../domain/audit-entry.ts";
import type { Downtime } from "../../domain/gate.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { SuspendReason } from "../../ports/ledger-views.ts";
import type { Cache } from "./cache.ts";
import type { SqlDriver } from "./driver.ts";
import type { Move } from "./rows/tally-rows.ts";

/** The one row that the store keeps of itself. */
export interface StoreFacts {
  readonly generation: number;
  /** A restore's kill order has not been walked to its end. */
  readonly restoring: boolean;
  readonly downtime: Downtime | null;
}

/** Totals of the store, changed by verbs and written once a commit. */
export interface Tally {
  openTasks: number;
  liveLeases: number;
  stuckLeases: number;
}

/** Reading needs less: no audit, no tally. */
export interface View {
  readonly sql: SqlDriver;
  readonly cache: Cache;
  readonly now: EpochMillis;
  readonly store: StoreFacts;
}

export interface Tx extends View {
  /** Why issuing is refused; ends, kills and verdicts look only at `disk_full` and `clock_suspect` where they must. */
  readonly suspended: SuspendReason | null;
  readonly clockSuspect: boolean;
  /** The wall clock, which may be behind `now`. */
  readonly wall: EpochMillis;
  readonly tally: Tally;
  /** Counts a lease's change of state for its task. */
  moved(move: Move): void;
  /** Appends to the hash chain, in this commit, and answers the sequence number. */
  audit(draft: AuditDraft): number;
  /** A change that has no entry of its own: heartbeats and claims are many, and say nothing about a credential. */
  touch(): void;
  /** The sequence number of the newest entry. */
  sequence(): number;
  /** Something that this commit changes falls due then. */
  due(at: EpochMillis): void;
  setStore(facts: StoreFacts): void;
  acceptClock(): void;
  /** What is computed once a commit, such as whether the kill path of a target is late. */
  readonly memo: Map<string, boolean>;
}

export const brokerCause: Cause = { actor: "broker", requestId: null };

export const answer = <T>(value: T, sequence: number): Answer<T, never> => ({ kind: "ok", value, sequence });

export const conflict = <const C>(reason: C): { readonly kind: "conflict"; readonly conflict: C } => ({
  kind: "conflict",
  conflict: reason,
});
