/** Whole numbers below a bound, the same for the same seed. */
import { fraction } from "../../../src/kernel/entropy.ts";
import { createSeededEntropy } from "../seeded-entropy.ts";

export function seededDraw(seed: number): (below: number) => number {
  const entropy = createSeededEntropy(seed);
  return (below) => Math.floor(fraction(entropy) * below);
}
