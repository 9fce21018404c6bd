/** The real clock and real randomness, for composition only. */
import { getRandomValues } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Clock } from "../kernel/clock.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { epochMillis } from "../kernel/time.ts";

/** Node's timers wrap to 1 ms beyond this. */
const longestTimerMillis = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonicMillis: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delay), longestTimerMillis));
    return () => clearTimeout(timer);
  },
};

/** Drawn from the system in blocks: a call for eight bytes would cost more than the bytes. */
const blockBytes = 4096;

export function createNodeEntropy(): Entropy {
  const block = new Uint8Array(blockBytes);
  let used = blockBytes;
  return {
    bytes(length) {
      if (length > blockBytes / 4) return getRandomValues(new Uint8Array(length));
      if (used + length > blockBytes) {
        getRandomValues(block);
        used = 0;
      }
      const bytes = block.slice(used, used + length);
      block.fill(0, used, used + length);
      used += length;
      return bytes;
    },
  };
}
