/** Randomness as a parameter: cryptographically strong in production, seeded in tests. */
export interface Entropy {
  bytes(length: number): Uint8Array;
}

/** A fraction in [0, 1) with 32 bits, for jitter. */
export function fraction(entropy: Entropy): number {
  const view = new DataView(entropy.bytes(4).buffer);
  return view.getUint32(0) / 2 ** 32;
}
