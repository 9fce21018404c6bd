/**
 * A fixed number of shards, each one hash tag, so that all keys of a shard live in one slot of a cluster. A task tree,
 * its leases, its due index and its audit share a shard, which the home in every one of their ids names.
 */
import { homeNumber, homeOfId, homeOfText, type LeaseId, type TaskId } from "../../kernel/ids.ts";

export interface Shards {
  readonly count: number;
  /** `meta` of a shard: the key that every script is given. */
  metaKey(shard: number): string;
  key(shard: number, ...parts: readonly string[]): string;
  ofId(id: TaskId | LeaseId): number;
  /** For what belongs to no task: a counter, a token, a fingerprint. */
  ofText(text: string): number;
}

/** More shards spread over more masters, and each costs a look whenever something is due. */
export const defaultShards = 64;

export function createShards(options: { prefix: string; count: number }): Shards {
  const { prefix, count } = options;
  const tags = Array.from({ length: count }, (_, shard) => `${prefix}{s${String(shard).padStart(2, "0")}}`);
  const key = (shard: number, ...parts: readonly string[]): string => `${tags[shard] ?? ""}:${parts.join(":")}`;
  return {
    count,
    key,
    metaKey: (shard) => key(shard, "meta"),
    ofId: (id) => homeNumber(homeOfId(id)) % count,
    ofText: (text) => homeNumber(homeOfText(text)) % count,
  };
}
