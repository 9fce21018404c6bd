/** Holds the truth after a crash against the promises: what lives must have a reason to, and a record that says so. */
import type { LeaseAnswer } from "../../../src/http/schemas/task.ts";
import type { Truth } from "./truth.ts";

export interface Judgement {
  /** Each breaks a promise. */
  readonly faults: readonly string[];
  /** Tokens that a crash cut off from their record, each bounded by a lease that says until when. */
  readonly orphans: readonly Orphan[];
}

export interface Orphan {
  /** How long the server would still take it. */
  readonly livesMillis: number;
  /** How much later than its own end the lease says that it may be usable. */
  readonly slackMillis: number;
}

export interface Expected {
  /** Nothing may live: every task of the run was ended. */
  readonly endsAll: boolean;
  /** Whether the run was killed where a mint can be cut off from its record. */
  readonly mayOrphan: boolean;
  /** How far the broker that minted lived ahead of the OAuth server. */
  readonly shiftMillis: number;
}

const ends: readonly LeaseAnswer["verdict"][] = [
  "live",
  "dead-verified",
  "dead-unverified",
  "already-gone",
  "expired",
  "never-minted",
  "usable-until",
];

export function judge(truth: Truth, expected: Expected, now = Date.now()): Judgement {
  const leases = [...truth.reports.values()];
  const faults = leases
    .filter(({ verdict }) => !ends.includes(verdict))
    .map((lease) => `lease ${lease.lease_id} came to no end: ${JSON.stringify(lease)}`);
  const orphans: Orphan[] = [];
  const bounds = expected.mayOrphan ? leases.filter(({ verdict }) => verdict === "usable-until") : [];
  for (const [token, leaseId] of truth.leaseOf) {
    const endsAt = truth.living.get(token);
    const verdict = leaseId === undefined ? "none" : truth.reports.get(leaseId)?.verdict;
    const mayLive = verdict === "live" && !expected.endsAll;
    if ((endsAt !== undefined) === mayLive) continue;
    // Nobody can name it: then some lease must stand for it, each for one, with a bound that is not too early.
    const bound = leaseId === undefined && typeof endsAt === "number" ? bounds.shift() : undefined;
    const slackMillis = Date.parse(bound?.usable_until ?? "") - expected.shiftMillis - (endsAt ?? 0);
    if (slackMillis >= 0) orphans.push({ livesMillis: (endsAt ?? 0) - now, slackMillis });
    else faults.push(faultText({ leaseId, verdict, endsAt, bound }));
  }
  if (expected.endsAll && truth.openTasks.length > 0) faults.push(`still open: ${truth.openTasks.join(", ")}`);
  return { faults, orphans };
}

const faultText = (found: object): string => `a token is not what its lease says: ${JSON.stringify(found)}`;
