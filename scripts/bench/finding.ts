/** One line of the report: a goal, what was measured for it, and whether it was met. */
import type { Goal } from "./options.ts";
import type { Spread } from "./statistics.ts";

export interface Finding {
  readonly goal: Goal;
  readonly what: string;
  /** What it was compared with; null for an absolute bound. */
  readonly against: string | null;
  readonly unit: "x" | "ms" | "count";
  readonly value: Spread;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
}

/** An absolute figure: orientation only, because it moves with the machine's mood. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: Spread;
}

export interface Measured {
  readonly findings: readonly Finding[];
  readonly figures: readonly Figure[];
  /** What a reader must know to read the figures right. */
  readonly notes: readonly string[];
}

export const isMet = ({ value, bound }: Finding): boolean =>
  "atLeast" in bound ? value.median >= bound.atLeast : value.median <= bound.atMost;
