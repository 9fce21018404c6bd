/** The real clock and real randomness of any runtime, for composition only. */
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { epochMillis } from "../kernel/time.ts";

/** Timers wrap to 1 ms beyond this. */
const longestTimerMillis = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonicMillis: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delay), longestTimerMillis));
    return () => clearTimeout(timer);
  },
};

/**
 * Drawn from the system in blocks: a call for eight bytes would cost more than the bytes. The first block is drawn when it
 * is asked for, because Workers have no randomness while a program loads.
 */
const blockBytes = 4096;

export function createSystemEntropy(): Entropy {
  const block = new Uint8Array(blockBytes);
  let used = blockBytes;
  return {
    bytes(length) {
      if (length > blockBytes / 4) return crypto.getRandomValues(new Uint8Array(length));
      if (used + length > blockBytes) {
        crypto.getRandomValues(block);
        used = 0;
      }
      const bytes = block.slice(used, used + length);
      block.fill(0, used, used + length);
      used += length;
      return bytes;
    },
  };
}
