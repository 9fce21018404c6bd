/**
 * Tells every process which target was woken for, so that one that works opens a worker at once instead of at its next
 * look at the ledger. A publication that nobody hears is no loss.
 */
import type { TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Log } from "../../../ports/log.ts";

export interface Bell {
  ring(target: TargetName): void;
  listen(heard: (target: TargetName) => void): void;
  close(): void;
}

/** The parts of a client that are needed; a subscriber can do nothing else meanwhile. */
export interface BellClients {
  readonly publisher: { publish(channel: string, message: string): Promise<unknown> };
  readonly subscriber: {
    subscribe(channel: string): Promise<unknown>;
    on(event: "message", listener: (channel: string, message: string) => void): unknown;
    disconnect(): void;
  };
}

/** A worker stays open for a minute, so that once in a while is enough. */
const quietMillis = 1_000;

export function createBell(options: BellClients & { prefix: string; clock: Clock; log: Log }): Bell {
  const { publisher, subscriber, clock, log } = options;
  const channel = `${options.prefix}:bell`;
  const rungAt = new Map<TargetName, number>();
  return {
    ring(target) {
      const now = clock.monotonicMillis();
      if (now - (rungAt.get(target) ?? -quietMillis) < quietMillis) return;
      rungAt.set(target, now);
      publisher.publish(channel, target).catch(() => log.warn("bell_not_rung", { target }));
    },
    listen(heard) {
      subscriber.on("message", (from, message) => {
        if (from === channel) heard(brand<TargetName>(message));
      });
      subscriber.subscribe(channel).catch(() => log.warn("bell_not_heard"));
    },
    close: () => subscriber.disconnect(),
  };
}
