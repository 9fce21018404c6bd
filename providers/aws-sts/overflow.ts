/**
 * Whether a write of denials needs the role's overflow policy, and what becomes of it then. A kill that fits into the
 * role's own policy never depends on this one.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import { iamTimeoutMillis } from "./denied-since.ts";
import { deniableIn, maxOverflow, nothingStands, type Standing } from "./deny-document.ts";
import type { OverflowPolicy, OverflowStanding } from "./overflow-policy.ts";
import type { Role } from "./role.ts";

export interface Overflow {
  begin(need: OverflowNeed, signal: AbortSignal): Promise<OverflowRound>;
}
export interface OverflowNeed {
  readonly role: Role;
  readonly denials: number;
  /** What the role has for its own policy. */
  readonly characters: number;
}
export interface OverflowRound {
  /** How many may be given to `write`. */
  readonly sessions: number;
  /** As it was found. */
  readonly standing: Standing;
  /** Why it is of no use now, where it would be needed. */
  readonly failure: Verdict | undefined;
  write(names: readonly string[], time: OverflowTime, signal: AbortSignal): Promise<OverflowWritten>;
}
export interface OverflowTime {
  readonly now: EpochMillis;
  /** Nothing is changed after it. */
  readonly lastPutAt: EpochMillis;
}
export interface OverflowWritten {
  /** What surely stands there now. */
  readonly standing: Standing;
  readonly failure?: Verdict;
}

const unused: OverflowRound = {
  sessions: 0,
  standing: nothingStands,
  failure: undefined,
  write: async () => ({ standing: nothingStands }),
};

export function createOverflow(policy: OverflowPolicy | undefined): Overflow {
  if (policy === undefined) return { begin: async () => unused };
  /** Roles whose policy this process saw empty: there is nothing to clean up. */
  const empty = new Set<string>();

  function roundOn(role: Role, from: OverflowStanding, known: OverflowPolicy): OverflowRound {
    return {
      sessions: maxOverflow,
      standing: from,
      failure: undefined,
      async write(names, { now, lastPutAt }, signal) {
        const isMore = names.some((name) => !from.sessions.has(name));
        const addedAt = isMore ? now : (from.addedAt ?? now);
        const standing = { sessions: new Set(names), cutoff: null, addedAt };
        // One that holds nothing is left as it is, whatever its time.
        if (names.length === 0 && from.sessions.size === 0) return settled(role, standing);
        // Two requests of this write change something.
        if (now > lastPutAt - iamTimeoutMillis) return { standing: nothingStands, failure: lockEnds };
        const written = await known.write({ role, names, addedAt, from }, signal);
        return written.ok ? settled(role, standing) : { standing: nothingStands, failure: written.fault };
      },
    };
  }

  function settled(role: Role, standing: Standing): OverflowWritten {
    if (standing.sessions.size === 0) empty.add(role.arn);
    else empty.delete(role.arn);
    return { standing };
  }

  return {
    async begin({ role, denials, characters }, signal) {
      const isNeeded = denials > deniableIn(characters);
      if (!isNeeded && empty.has(role.arn)) return unused;
      const from = await policy.read(role, signal);
      if (from.ok) return roundOn(role, from.value, policy);
      return isNeeded ? { ...unused, failure: from.fault.verdict } : unused;
    },
  };
}

const lockEnds: Verdict = { kind: "retry", reason: "lock_ends" };
