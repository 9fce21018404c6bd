/** The wakes of a node: BullMQ, the bell and the news, on three connections of their own. */
import { createBell } from "./bell.ts";
import { createBullWorkforce } from "./bull-workforce.ts";
import { startDueNews } from "./due-news.ts";
import { openQueueClients } from "./queue-clients.ts";
import type { Wakes, WakesParts } from "./wakes.ts";

export function openBullWakes({ calls, shape, access, prefix, clock, log }: WakesParts): Wakes {
  const common = { prefix, clock, log };
  const clients = openQueueClients(shape, access, log);
  const { adding, working, subscriber } = clients;
  const bell = createBell({ publisher: adding, subscriber, ...common });
  const workforce = createBullWorkforce({ adding, working, bell, ...common });
  const news = startDueNews({ calls, publisher: adding, subscriber, ...common });
  return {
    workforce,
    async close() {
      news.stop();
      await workforce.stop();
      clients.close();
    },
  };
}
