/**
 * The wakes of a process that never kills, and has no room for a queue: it tells the nodes what is due, on one connection,
 * and they look. What they do not hear, they find at their next look.
 */
import { millis } from "../../../kernel/time.ts";
import type { Workforce } from "../../../ports/workforce.ts";
import { startDueNews } from "./due-news.ts";
import { openQueueClient } from "./queue-clients.ts";
import type { Wakes, WakesParts } from "./wakes.ts";

export function openNewsWakes({ calls, shape, access, ...common }: WakesParts): Wakes {
  const publisher = openQueueClient({ shape, access, log: common.log, use: "news" });
  const news = startDueNews({ calls, publisher, subscriber: null, ...common });
  return {
    workforce: othersOnly,
    async close() {
      news.stop();
      publisher.disconnect();
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
