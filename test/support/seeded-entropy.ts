/** Entropy that repeats itself for the same seed (the generator is mulberry32). Never for anything but tests. */
import type { Entropy } from "../../src/kernel/entropy.ts";

export function createSeededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const nextByte = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 24) & 0xff;
  };
  return { bytes: (length) => Uint8Array.from({ length }, nextByte) };
}
