/** What a lane has in hand: attempts under way, and claims some of whose verdicts are not recorded yet. */
export interface OpenClaims {
  opened(fence: string, leases: number): void;
  /** One attempt has ended. Its verdict may still wait. */
  attempted(): void;
  recorded(fence: string): void;
  attempts(): number;
  unrecorded(): number;
  /** All that ever were. */
  claimed(): number;
  fences(): readonly string[];
}

export function createOpenClaims(): OpenClaims {
  const left = new Map<string, number>();
  let attempts = 0;
  let unrecorded = 0;
  let claimed = 0;
  return {
    opened(fence, leases) {
      left.set(fence, leases);
      attempts += leases;
      unrecorded += leases;
      claimed += leases;
    },
    attempted: () => void (attempts -= 1),
    recorded(fence) {
      unrecorded -= 1;
      const rest = (left.get(fence) ?? 1) - 1;
      if (rest === 0) left.delete(fence);
      else left.set(fence, rest);
    },
    attempts: () => attempts,
    unrecorded: () => unrecorded,
    claimed: () => claimed,
    fences: () => [...left.keys()],
  };
}
