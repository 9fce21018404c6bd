/**
 * Makes a store safe that was put back from a backup: the world went on without it, so in every shard all tasks end and
 * all leases die before anything is issued there. The new generation closes the gate of every task at once; the kill
 * order is walked by the sweeper like any other. A shard in which somebody lives is left as it is.
 */
import type { Cause } from "../../../domain/audit-entry.ts";
import { causeCommand } from "../answers.ts";
import { task as taskLua } from "../lua/task.ts";
import { defineScript, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** last_sign {} -> when a node last said that it lives, or ''. Keys: meta. */
const lastSignScript = defineScript(
  "last_sign",
  [],
  String.raw`
return finish('ok', seq, { meta[9] or '' })
`,
);

/**
 * restore_store {generation, sign, cause} -> nothing. May be ordered again at any time: until the last order is walked
 * nothing is issued. Conflict: in_use, where a node said since then that it lives. Keys: meta, orders, order:ID, ordered, audit.
 */
const restoreStoreScript = defineScript(
  "restore_store",
  [taskLua],
  String.raw`
if (meta[9] or '') ~= c.sign then return conflict('in_use') end
local sequence = audit('store.restored', nil, nil, { generation = int(c.generation) }, c.cause)
call('HSET', KEYS[1], 'gen', int(c.generation), 'restoring', int(sequence))
insertOrder({ rank = 1, sequence = sequence, subject = 'all', scope = 'all', cause = 'restored', orderedAt = now })
return finish('ok', sequence)
`,
  { lane: "end", isAcknowledged: true },
);

/** When a node last said in each shard that it lives. */
export async function lastSigns(calls: ShardCalls): Promise<readonly string[]> {
  const replies = await calls.askAll(lastSignScript, {});
  return replies.map(({ payload }) => textOf(payload[0]));
}

/** `signs` as they were when it was made sure that nobody lives. */
export async function restoreStore(
  calls: ShardCalls,
  command: { readonly generation: number; readonly signs: readonly string[]; readonly cause: Cause },
): Promise<"ordered" | "in_use"> {
  const { generation, signs, cause } = command;
  const replies = await Promise.all(
    signs.map((sign, shard) => calls.ask(shard, restoreStoreScript, { generation, sign, cause: causeCommand(cause) })),
  );
  return replies.every(({ kind }) => kind === "ok") ? "ordered" : "in_use";
}
