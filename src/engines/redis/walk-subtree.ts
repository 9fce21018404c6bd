/** Runs a script of a walk over a subtree, page by page, until it is over. */
import type { TaskId } from "../../kernel/ids.ts";
import { listOf, textOf, type Reply, type Script } from "./script.ts";
import type { ShardCalls } from "./shard-calls.ts";

/** `take` is given what each page answered behind its path, and may change the command of those to come. */
export async function walkSubtree(
  calls: ShardCalls,
  walk: { taskId: TaskId; script: Script; command?: () => object; take: (found: readonly Reply[]) => void },
): Promise<void> {
  const { taskId, script, command = () => ({}), take } = walk;
  const shard = calls.shards.ofId(taskId);
  for (let path: readonly (readonly string[])[] | undefined; path === undefined || path.length > 0;) {
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    const { payload } = await calls.ask(shard, script, { ...command(), taskId, path });
    const [reached, ...found] = payload;
    path = listOf(reached).map((step) => listOf(step).map(textOf));
    take(found);
  }
}
