/** The store itself: what a start notes, what it counts, and the acceptance of its clock. */
import type { Cause } from "../../../domain/audit-entry.ts";
import { shortestDowntimeMillis } from "../../../kernel/limits.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { LedgerHealth, SuspendReason } from "../../../ports/ledger-views.ts";
import { answer, causeCommand } from "../answers.ts";
import { defineScript, numberOf, type ScriptReply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * start {} -> nothing. Notes how long no broker was running: heartbeats that fell due meanwhile get a grace.
 * Keys: meta. A stretch of two ticks of `alive` or less is no downtime: an earlier one stays as it is.
 */
const startScript = defineScript(
  "start",
  [],
  String.raw`
local from = math.max(tonumber(meta[1]) or 0, tonumber(call('HGET', KEYS[1], 'alive')) or 0)
if from > 0 and now - from > ${shortestDowntimeMillis} then call('HSET', KEYS[1], 'downFrom', int(from), 'downUntil', int(now)) end
call('HSET', KEYS[1], 'told', '0')
return finish('ok')
`,
);

/** health {} -> generation, why suspended or '', open tasks, live leases, stuck leases, unreadable rows. Keys: meta, poison. */
const healthScript = defineScript(
  "health",
  [],
  String.raw`
local counts = call('HMGET', KEYS[1], 'open', 'live', 'stuck')
return finish('ok', seq, { generation, suspended or '', tonumber(counts[1]) or 0, tonumber(counts[2]) or 0, tonumber(counts[3]) or 0, call('SCARD', at('poison')) })
`,
);

/** accept_clock {cause} -> nothing. Keys: meta, audit. */
const acceptClockScript = defineScript(
  "accept_clock",
  [],
  String.raw`
epoch = call('HINCRBY', KEYS[1], 'epoch', 1)
suspect = false
return finish('ok', audit('clock.accepted', nil, nil, {}, c.cause))
`,
);

export async function start(calls: ShardCalls): Promise<void> {
  await calls.askAll(startScript, {});
}

export async function health(calls: ShardCalls): Promise<LedgerHealth> {
  const replies = await calls.askAll(healthScript, {});
  const sum = (index: number): number => replies.reduce((total, { payload }) => total + numberOf(payload[index]), 0);
  const reasons = replies.map(({ payload }) => payload[1]).filter((reason) => reason !== "");
  return {
    now: epochMillis(Math.max(...replies.map(({ now }) => now))),
    generation: Math.max(...replies.map(({ payload }) => numberOf(payload[0]))),
    suspended: (reasons[0] ?? null) as SuspendReason | null,
    counts: {
      openTasks: sum(2),
      liveLeases: sum(3),
      stuckLeases: sum(4),
      ...(sum(5) > 0 && { unreadableRows: sum(5) }),
    },
  };
}

/** On every shard; any that did not answer leaves the whole unknown, and accepting again is harmless. */
export async function acceptClock(calls: ShardCalls, cause: Cause): Promise<Answer<void, never>> {
  const replies = await calls.askAll(acceptClockScript, { cause: causeCommand(cause) });
  return answer(undefined, first(replies).sequence);
}

export function first(replies: readonly ScriptReply[]): ScriptReply {
  const [reply] = replies;
  if (reply === undefined) throw new Error("a ledger without shards");
  return reply;
}
