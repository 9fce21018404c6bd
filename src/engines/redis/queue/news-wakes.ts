/**
 * The wakes of a process that never kills: it tells the nodes what is due, and they look. What they do not hear, they find
 * at their next look. Holds no queue and no connection of its own.
 */
import { millis } from "../../../kernel/time.ts";
import type { Workforce } from "../../../ports/workforce.ts";
import { startDueNews } from "./due-news.ts";
import type { Wakes, WakesParts } from "./wakes.ts";

export function openNewsWakes({ calls, connection, prefix, clock, log }: WakesParts): Wakes {
  const news = startDueNews({ calls, publisher: connection, subscriber: null, prefix, clock, log });
  return {
    workforce: othersOnly,
    async close() {
      news.stop();
    },
  };
}

const othersOnly: Workforce = {
  isShared: true,
  longestSleep: millis(1_000),
  wake() {},
  start() {
    throw new Error("this process does not kill");
  },
  depths: () => Promise.resolve(new Map()),
  stop: () => Promise.resolve(),
};
