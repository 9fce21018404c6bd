/** The objects that share the task trees: their names, and how one reaches another. */
import type { DurableObjectId, DurableObjectNamespace } from "@cloudflare/workers-types";
import { homeNumber, homeOfId, homes, type Home, type LeaseId, type TaskId } from "../../kernel/ids.ts";
import { base32FromInteger } from "../../kernel/base32.ts";
import { brand } from "../../kernel/brand.ts";
import type { Entropy } from "../../kernel/entropy.ts";

/** Objects are made by their names: another spelling would be another, empty ledger. */
export const nameOfShard = (shard: number): string => `shard-${shard}`;

/** Which one an object is; an object is not told its name in every runtime. */
export function numberOfObject(
  objects: DurableObjectNamespace,
  id: DurableObjectId,
  shards: number,
): number | undefined {
  for (let shard = 0; shard < shards; shard += 1) if (objects.idFromName(nameOfShard(shard)).equals(id)) return shard;
  return undefined;
}

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
