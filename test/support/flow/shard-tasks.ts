/** Tasks in chosen objects: a new one lives wherever its request happened to go. */
import { shardOfId } from "../../../src/entry/edge/shard-objects.ts";
import { parseTaskId } from "../../../src/kernel/ids.ts";
import type { BrokerClient } from "./client.ts";
import { eventually } from "./eventually.ts";

export function shardOfTask(task: string, shards: number): number {
  const id = parseTaskId(task);
  if (id === undefined) throw new Error(`not a task: ${task}`);
  return shardOfId(id, shards);
}

/** One in each object, in their order. */
export async function taskInEachShard(
  client: Pick<BrokerClient, "openTask">,
  shards: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<readonly string[]> {
  const found = new Map<number, string>();
  return eventually("a task in each object", async () => {
    const opened = await Promise.all(Array.from({ length: shards - found.size }, () => client.openTask(more)));
    for (const task of opened) found.set(shardOfTask(task, shards), task);
    if (found.size < shards) return undefined;
    return [...found].toSorted(([left], [right]) => left - right).map(([, task]) => task);
  });
}
