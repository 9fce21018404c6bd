/** The objects that share the task trees, and which of them a task is in. */
import { homeNumber, homeOfId, homes, type Home, type LeaseId, type TaskId } from "../../kernel/ids.ts";
import { base32FromInteger } from "../../kernel/base32.ts";
import { brand } from "../../kernel/brand.ts";
import type { Entropy } from "../../kernel/entropy.ts";
import { objectNames } from "./object-names.ts";

/** Under another name an object would be another, empty ledger. */
export const shardNames = objectNames("shard-");

export const shardOfId = (id: TaskId | LeaseId, shards: number): number => homeNumber(homeOfId(id)) % shards;

/** One of the homes that are this shard's. */
export function homeIn(shard: number, shards: number, entropy: Entropy): Home {
  const [high = 0, low = 0] = entropy.bytes(2);
  const choices = Math.floor((homes - 1 - shard) / shards) + 1;
  return brand<Home>(base32FromInteger(shard + (((high << 8) | low) % choices) * shards, 2));
}

export const anyShard = (shards: number, entropy: Entropy): number => {
  const [high = 0, low = 0] = entropy.bytes(2);
  return ((high << 8) | low) % shards;
};
