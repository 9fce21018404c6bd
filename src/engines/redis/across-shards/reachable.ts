/**
 * Shards that answer, and which of them a bounded walk goes to. A kill never waits for a shard that does not answer:
 * what is due elsewhere is worked on meanwhile, and what is due there shows when it is back.
 */
import type { Script, ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** Part of a walk that one shard is asked to do. */
export interface Share {
  readonly shard: number;
  readonly limit: number;
}

/** What a shard has to offer of one kind: so many rows, the first of them since then. */
export interface Offer {
  readonly shard: number;
  /** The lower goes first. */
  readonly rank: number;
  readonly firstAt: number;
  readonly rows: number;
}

export interface ShardReply {
  readonly shard: number;
  readonly reply: ScriptReply;
}

/** Asks all of them at once. Rejects only where none answered. */
export async function askReachable(
  calls: ShardCalls,
  script: Script,
  asks: readonly { readonly shard: number; readonly command: object }[],
): Promise<readonly ShardReply[]> {
  const settled = await Promise.allSettled(
    asks.map(async ({ shard, command }) => ({ shard, reply: await calls.ask(shard, script, command) })),
  );
  const answered = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = settled.find((result) => result.status === "rejected");
  if (answered.length === 0 && failed !== undefined) throw failed.reason;
  return answered;
}

export const everyShard = (calls: ShardCalls, command: object): readonly { shard: number; command: object }[] =>
  Array.from({ length: calls.shards.count }, (_, shard) => ({ shard, command }));

/** Takes from the most urgent offers, earliest first, until the limit is reached. */
export function allot(offers: readonly Offer[], limit: number): readonly Share[] {
  const shares = new Map<number, number>();
  let left = limit;
  for (const { shard, rows } of offers.toSorted(byUrgency)) {
    const taken = Math.min(rows, left);
    if (taken === 0) continue;
    shares.set(shard, (shares.get(shard) ?? 0) + taken);
    left -= taken;
  }
  return [...shares].map(([shard, rows]) => ({ shard, limit: rows }));
}

const byUrgency = (left: Offer, right: Offer): number =>
  left.rank - right.rank || left.firstAt - right.firstAt || left.shard - right.shard;
