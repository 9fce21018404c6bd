/** Medians, percentiles and ratios of rounds. A ratio is taken inside a round, never between two rounds. */

/** What a number did over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** Linear between the two nearest ranks; `part` is from 0 to 1. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const rank = (sorted.length - 1) * part;
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? Number.NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
  rounds: values.length,
});

/** Round by round; both have one value a round. */
export function ratiosOf(values: readonly number[], bases: readonly number[]): Spread {
  if (values.length !== bases.length) throw new Error("a ratio needs both sides in every round");
  return spreadOf(values.map((value, round) => value / (bases[round] ?? Number.NaN)));
}

/** The same order turned by one place each round, so that no contender always follows the same one. */
export function rotated<T>(values: readonly T[], round: number): readonly T[] {
  const by = values.length === 0 ? 0 : round % values.length;
  return [...values.slice(by), ...values.slice(0, by)];
}
