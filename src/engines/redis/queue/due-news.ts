/**
 * Tells the other processes in which shard something has become due, so that they need not wait for their next look at
 * all of them. News that nobody hears is no loss: that look comes within a second.
 */
import type { Cancel, Clock } from "../../../kernel/clock.ts";
import { epochMillis, millis, type EpochMillis } from "../../../kernel/time.ts";
import type { Log } from "../../../ports/log.ts";
import type { ShardCalls } from "../shard-calls.ts";
import type { BellClients } from "./bell.ts";

/** What falls due later than this, the others find by themselves. */
const soonMillis = 1_000;
/** A kill makes leases due page by page. */
const gatherMillis = 2;
/** Own news come back, too; more than these are not waited for. */
const mostUnheard = 1_000;

type NewsCalls = Pick<ShardCalls, "now" | "onDue" | "heardDue">;

export interface DueNews {
  readonly calls: NewsCalls;
  readonly publisher: BellClients["publisher"];
  /** Null: this process only tells, and looks for nothing itself. */
  readonly subscriber: BellClients["subscriber"] | null;
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function startDueNews(options: DueNews): { stop(): void } {
  const { publisher, subscriber, calls, clock, log } = options;
  const channel = `${options.prefix}:due`;
  const waiting = new Map<number, EpochMillis>();
  const unheard = new Set<string>();
  let cancel: Cancel = () => {};

  function tell(): void {
    const text = [...waiting].map(([shard, dueAt]) => `${shard}:${dueAt}`).join(" ");
    waiting.clear();
    if (unheard.size >= mostUnheard) unheard.clear();
    if (subscriber !== null) unheard.add(text);
    publisher.publish(channel, text).catch(() => log.warn("due_news_not_told"));
  }

  calls.onDue((dueAt, shard, isOwn) => {
    if (!isOwn || dueAt > calls.now() + soonMillis) return;
    if (waiting.size === 0) cancel = clock.after(millis(gatherMillis), tell);
    waiting.set(shard, epochMillis(Math.min(dueAt, waiting.get(shard) ?? Infinity)));
  });
  subscriber?.on("message", (from, text) => {
    if (from !== channel || unheard.delete(text)) return;
    for (const [shard, dueAt] of newsFrom(text)) calls.heardDue(shard, dueAt);
  });
  subscriber?.subscribe(channel).catch(() => log.warn("due_news_not_heard"));
  return { stop: () => cancel() };
}

/** Anyone may publish: what makes no sense is passed over. */
const newsFrom = (text: string): readonly (readonly [shard: number, dueAt: EpochMillis])[] =>
  text.split(" ").flatMap((one) => {
    const [shard, dueAt] = one.split(":").map(Number);
    const isSense = Number.isSafeInteger(shard) && Number.isSafeInteger(dueAt);
    return isSense && shard !== undefined && dueAt !== undefined ? [[shard, epochMillis(dueAt)] as const] : [];
  });
