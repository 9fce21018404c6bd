/** A bound on live credentials, open tasks or the pace of minting, reserved in the same write as what it counts. */
import type { LeaseId } from "../kernel/ids.ts";
import type { Seconds } from "../kernel/time.ts";

/** Without `perSeconds`: live leases and open intents, or open tasks. With it: what was made in a fixed window of that length. */
export interface LimitReservation {
  /** The name that the refusal tells: `liveLeasesPerTask` ... */
  readonly limit: string;
  /** What is counted: `task:tsk_...`, `agent:NAME` ... */
  readonly counter: string;
  readonly max: number;
  readonly perSeconds?: Seconds;
}

/** Held, until its death, by the lease whose place `successor` took: while it is, the successor hands no place on. */
export const replacedCounter = (successor: LeaseId): string => `replaced:${successor}`;
