/** Doors: written to every shard, each with a kill order of its own; a closed door refuses until it is opened. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { scopeKey, type DoorScope } from "../../../domain/scope.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { NotFound } from "../../../ports/ledger-commands.ts";
import type { Door } from "../../../ports/ledger-views.ts";
import { answer, causeCommand } from "../answers.ts";
import { task as taskLua } from "../lua/task.ts";
import { defineScript, numberOf, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { first } from "./store.ts";

/**
 * close_door {scope, reason, cause} -> the door's text. Closing again keeps the first instant and reason, and orders the
 * kill anew. Keys: meta, doors, orders, order:ID, ordered, audit.
 */
const closeDoorScript = defineScript(
  "close_door",
  [taskLua],
  String.raw`
local text = call('HGET', at('doors'), c.scope)
local kind = text and 'kill.ordered' or 'door.closed'
local sequence = audit(kind, nil, nil, { reason = quote(c.reason), scope = quote(c.scope) }, c.cause)
if not text then
  text = object({ closed_at = int(now), reason = quote(c.reason) })
  call('HSET', at('doors'), c.scope, text)
end
insertOrder({ rank = 1, sequence = sequence, subject = c.scope, scope = c.scope, cause = 'door_closed', orderedAt = now })
return finish('ok', sequence, { text })
`,
  { lane: "end", isAcknowledged: true },
);

/**
 * open_door {scope, cause} -> nothing. An order that is still being walked goes on: it covers what was recorded before
 * it. Noted for nodes that would close it again after a failover. Keys: meta, doors, opened, audit. Conflict: not_found.
 */
const openDoorScript = defineScript(
  "open_door",
  [],
  String.raw`
if call('HDEL', at('doors'), c.scope) == 0 then return conflict('not_found') end
local sequence = audit('door.opened', nil, nil, { scope = quote(c.scope) }, c.cause)
call('HSET', at('opened'), c.scope, int(sequence))
call('PEXPIRE', at('opened'), 600000)
return finish('ok', sequence)
`,
  { lane: "end" },
);

/** opened_at {scope} -> the sequence of its last opening, -1 for none of late. Keys: opened. */
const openedAtScript = defineScript(
  "opened_at",
  [],
  String.raw`return finish('ok', seq, { tonumber(call('HGET', at('opened'), c.scope) or -1) })`,
  { lane: "end" },
);

export interface CloseDoor {
  readonly scope: DoorScope;
  readonly reason: string;
  readonly cause: Cause;
}

/** Any shard that did not answer leaves the whole unknown: the door may stand open there. Closing again is harmless. */
export async function closeDoor(calls: ShardCalls, command: CloseDoor): Promise<Answer<Door, never>> {
  const { scope, reason, cause } = command;
  const replies = await calls.askAll(closeDoorScript, { scope: scopeKey(scope), reason, cause: causeCommand(cause) });
  const [earliest] = replies
    .map(({ payload }) => doorFrom(textOf(payload[0])))
    .toSorted((left, right) => left.closedAt - right.closedAt);
  if (earliest === undefined) throw new Error("a ledger without shards");
  return answer({ scope, ...earliest, expanding: true }, first(replies).sequence);
}

/** What a shard keeps of a closed door. */
export function doorFrom(text: string): Pick<Door, "reason" | "closedAt"> {
  const { reason, closed_at: closedAt } = JSON.parse(text) as { reason: string; closed_at: number };
  return { reason, closedAt: epochMillis(closedAt) };
}

/** Opens it wherever it is closed: one that was closed in some shards only is a door, too. */
export async function openDoor(
  calls: ShardCalls,
  { scope, cause }: { readonly scope: DoorScope; readonly cause: Cause },
): Promise<Answer<void, NotFound>> {
  const replies = await calls.askAll(openDoorScript, { scope: scopeKey(scope), cause: causeCommand(cause) });
  const opened = replies.find(({ kind }) => kind === "ok");
  return opened === undefined
    ? { kind: "conflict", conflict: { reason: "not_found" } }
    : answer(undefined, opened.sequence);
}

/** Whether another node opened the door after it was closed with this sequence, which is the first shard's. */
export async function isOpenedSince(calls: ShardCalls, scope: DoorScope, closedWith: number): Promise<boolean> {
  const { payload } = await calls.ask(0, openedAtScript, { scope: scopeKey(scope) });
  return numberOf(payload[0]) > closedWith;
}
