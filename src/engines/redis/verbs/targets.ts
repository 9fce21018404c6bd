/** Breaker and pause of targets, and what is due on each. Written to every shard; shown as their sum. */
import { millis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { SetTarget } from "../../../ports/ledger-commands.ts";
import type { TargetState } from "../../../ports/ledger-views.ts";
import { answer, causeCommand } from "../answers.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import { mergeTargets } from "../../../domain/target-state.ts";
import { targetFrom } from "../rows/target-row.ts";
import { defineScript, listOf, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { first } from "./store.ts";

/** How a target is told: see rows/target-row.ts. Counting is a few look-ups, whatever the number of leases. */
const targetReplyLua = String.raw`
local function targetReply(row)
  local count = call('ZCOUNT', at('due', 0, row.name), '-inf', int(now)) + call('ZCOUNT', at('due', 1, row.name), '-inf', int(now))
  return {
    row.name, row.openUntil or -1, row.why, row.paused and 1 or 0, count, count > 0 and firstDue(row.name, '-inf') or -1,
    call('ZCOUNT', at('held', row.name), '(' .. int(now), '+inf'), row.stuck,
  }
end
`;

/**
 * set_target {target, breaker, paused, resetBackoff, cause} -> the target. What is left out stays as it is.
 * Closing a breaker that was open, or a person's word, lets the sweeper reset the backoff of what failed meanwhile.
 * Keys: meta, targets, target:NAME, orders, order:ID, ordered, due:RANK:NAME, held:NAME, audit.
 */
const setTargetScript = defineScript(
  "set_target",
  [taskLua, targetLua, targetReplyLua],
  String.raw`
local row = findTarget(c.target)
local wasOpen = row.openUntil ~= nil
if c.breaker then row.openUntil, row.why = c.breaker['until'], c.breaker.reason or '' end
if c.paused ~= nil then row.paused = c.paused end
local key = at('target', c.target)
internTarget(c.target)
call('HSET', key, 'z', row.paused and '1' or '0', 'set', '1')
if row.openUntil then call('HSET', key, 'ou', int(row.openUntil), 'or', row.why) else call('HDEL', key, 'ou', 'or') end

local data = { breaker = quote(row.openUntil and 'open' or 'closed'), paused = tostring(row.paused), target = quote(c.target) }
local sequence = audit('target.changed', nil, nil, data, c.cause)
local scope = 'target:' .. c.target
if (wasOpen or c.resetBackoff) and not row.openUntil and call('HEXISTS', at('ordered'), scope) == 0 then
  insertOrder({ rank = 2, sequence = sequence, subject = c.target, scope = scope, cause = 'requested', orderedAt = now })
end
due(now)
return finish('ok', sequence, { targetReply(row) })
`,
  { lane: "revoke" },
);

/** list_targets {} -> targets with something live or denied, and those whose breaker or pause was ever set. */
const listTargetsScript = defineScript(
  "list_targets",
  [targetLua, targetReplyLua],
  String.raw`
local payload = {}
for _, name in ipairs(call('ZRANGE', at('targets'), 0, -1)) do
  local row = findTarget(name)
  if row.isSet or firstDue(name, '-inf') or call('EXISTS', at('denied', name)) == 1 then payload[#payload + 1] = targetReply(row) end
end
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

/** On every shard; any that did not answer leaves the whole unknown, and setting it again is harmless. */
export async function setTarget(calls: ShardCalls, command: SetTarget): Promise<Answer<TargetState, never>> {
  const { target, breaker, paused, resetBackoff, cause } = command;
  const replies = await calls.askAll(setTargetScript, {
    target,
    breaker: breaker ?? undefined,
    paused: paused ?? undefined,
    resetBackoff,
    cause: causeCommand(cause),
  });
  return answer(mergeTargets(statesFrom(replies)), first(replies).sequence);
}

export async function listTargets(calls: ShardCalls): Promise<readonly TargetState[]> {
  const replies = await calls.askAll(listTargetsScript, {});
  const byName = [...Map.groupBy(statesFrom(replies), ({ target }) => target).values()];
  return byName.map(mergeTargets).toSorted((left, right) => (left.target < right.target ? -1 : 1));
}

/** Instants as the clock shows them that is ahead, as `dueWork` tells them: those of shards may be apart. */
function statesFrom(replies: readonly ScriptReply[]): readonly TargetState[] {
  const latest = Math.max(...replies.map(({ now }) => now));
  return replies.flatMap(({ now, payload }) => payload.map((reply) => targetFrom(listOf(reply), millis(latest - now))));
}
