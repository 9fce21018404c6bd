/**
 * Which denial stands where: in the role's own policy first, then in its overflow policy, at last behind a cutoff where
 * that is allowed. What the role's own policy holds never moves out of it, so that no write leaves a gap. Pure.
 */
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { canHoldCutoff, deniableIn } from "./deny-document.ts";

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
  /** Sessions that are denied already, and may have been called dead. */
  readonly standing: { readonly inline: ReadonlySet<string>; readonly overflow: ReadonlySet<string> };
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
  const { standing } = space;
  const room = deniableIn(space.characters);
  const isCuttingOff = space.mayCutOff && canHoldCutoff(space.characters);
  const stands = ({ sessionName: name }: Denial): boolean => standing.inline.has(name) || standing.overflow.has(name);
  const rank = (denial: Denial): number => (!isCuttingOff && stands(denial) ? 0 : 1);
  const ordered = [...new Map(denials.map((denial) => [denial.sessionName, denial])).values()].sort(
    (left, right) =>
      rank(left) - rank(right) ||
      right.issuedBefore - left.issuedBefore ||
      (left.sessionName < right.sessionName ? -1 : 1),
  );
  const fitting = ordered.slice(0, room + space.overflow).map(({ sessionName }) => sessionName);
  const rest = ordered.slice(room + space.overflow);
  const place = (name: string): number => (standing.inline.has(name) ? 0 : standing.overflow.has(name) ? 2 : 1);
  const placed = fitting.sort((left, right) => place(left) - place(right) || (left < right ? -1 : 1));
  const [newestOfRest] = rest;
  const isCutOff = isCuttingOff && newestOfRest !== undefined;
  return {
    inline: placed.slice(0, room),
    overflow: placed.slice(room),
    cutoff: isCutOff ? cutoffAfter(newestOfRest.issuedBefore) : null,
    uncovered: isCutOff ? [] : rest.map(({ sessionName }) => sessionName),
  };
}

/**
 * Issue times are whole seconds, and one equal to the cutoff is not denied: the second after the next whole one is beyond
 * both that and a clock that is a little off.
 */
const cutoffAfter = (issuedBefore: EpochMillis): EpochMillis =>
  epochMillis((Math.floor(issuedBefore / 1000) + 2) * 1000);
