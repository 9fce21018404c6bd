/**
 * Which denial stands where: in the role's own policy first, then in its overflow policy, at last behind a cutoff where
 * that is allowed. The role's own policy is written first and gives up nothing that the overflow policy does not hold
 * yet, so that no session is free between the two writes, nor where the second one fails. Pure.
 */
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { canHoldCutoff, deniableIn, type Standing } from "./deny-document.ts";

/** A session that must stay dead, and the latest instant at which it can have been issued. */
export interface Denial {
  readonly sessionName: string;
  readonly issuedBefore: EpochMillis;
}

export interface Space {
  /** Characters of the role's own policy. */
  readonly characters: number;
  /** Sessions that the overflow policy can hold now. */
  readonly overflow: number;
  readonly mayCutOff: boolean;
  /** What is denied already, and may have been called dead. */
  readonly standing: {
    readonly inline: Pick<Standing, "sessions" | "cutoff">;
    readonly overflow: Pick<Standing, "sessions">;
  };
}

export interface DenyPlan {
  readonly inline: readonly string[];
  readonly overflow: readonly string[];
  /** All sessions issued before it are denied, those of living leases too. */
  readonly cutoff: EpochMillis | null;
  /** What found no room: none of it may be called dead. */
  readonly uncovered: readonly string[];
}

/**
 * Each gets an entry. Where those do not fit, the oldest are cut off by their time of issue where that is allowed; else
 * what stands keeps its place, and the others are left uncovered, which no verdict may hide.
 */
export function planDenials(denials: readonly Denial[], space: Space): DenyPlan {
  const { inline, overflow } = space.standing;
  const room = deniableIn(space.characters);
  const isCuttingOff = space.mayCutOff && canHoldCutoff(space.characters);
  const stands = ({ sessionName: name }: Denial): boolean => inline.sessions.has(name) || overflow.sessions.has(name);
  const rank = (denial: Denial): number => (!isCuttingOff && stands(denial) ? 0 : 1);
  const ordered = [...new Map(denials.map((denial) => [denial.sessionName, denial])).values()].sort(
    (left, right) =>
      rank(left) - rank(right) ||
      right.issuedBefore - left.issuedBefore ||
      (left.sessionName < right.sessionName ? -1 : 1),
  );
  const fitting = ordered.slice(0, room + space.overflow);
  const rest = ordered.slice(room + space.overflow);
  const place = ({ sessionName: name }: Denial): number =>
    inline.sessions.has(name) ? 0 : overflow.sessions.has(name) ? 2 : 1;
  const placed = fitting.toSorted((left, right) => place(left) - place(right));
  const [newestOfRest] = rest;
  const needed = isCuttingOff && newestOfRest !== undefined ? cutoffAfter(newestOfRest.issuedBefore) : null;
  const notHere = [...placed.slice(room).filter(({ sessionName }) => !overflow.sessions.has(sessionName)), ...rest];
  const cutoff = withStanding(needed, inline.cutoff, notHere);
  return {
    inline: placed.slice(0, room).map(({ sessionName }) => sessionName),
    overflow: placed.slice(room).map(({ sessionName }) => sessionName),
    cutoff,
    uncovered: rest.filter((denial) => !isBefore(denial, cutoff)).map(({ sessionName }) => sessionName),
  };
}

/** A cutoff that stands is kept as long as it denies what would be denied by nothing else. */
function withStanding(
  needed: EpochMillis | null,
  standing: EpochMillis | null,
  notHere: readonly Denial[],
): EpochMillis | null {
  if (standing === null || !notHere.some((denial) => isBefore(denial, standing))) return needed;
  return epochMillis(Math.max(standing, needed ?? 0));
}

const isBefore = ({ issuedBefore }: Denial, cutoff: EpochMillis | null): boolean =>
  cutoff !== null && issuedBefore < cutoff;

/**
 * Issue times are whole seconds, and one equal to the cutoff is not denied: the second after the next whole one is beyond
 * both that and a clock that is a little off.
 */
const cutoffAfter = (issuedBefore: EpochMillis): EpochMillis =>
  epochMillis((Math.floor(issuedBefore / 1000) + 2) * 1000);
