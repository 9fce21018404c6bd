/** What is due, now and next, over all shards: a few look-ups a target and shard, whatever the number of leases. */
import type { TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { epochMillis, millis, type EpochMillis, type Millis } from "../../../kernel/time.ts";
import type { DueWork } from "../../../ports/ledger-views.ts";
import { target as targetLua } from "../lua/target.ts";
import { askReachable, everyShard } from "../across-shards/reachable.ts";
import { breakerFrom, earlier, laterBreaker } from "../rows/target-row.ts";
import { defineScript, listOf, numberOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * due_work {} -> 1 where a sweep is due, else 0; the next instant at which something changes, or -1; then of each target
 * with something due: name, since when, open until (or -1) and why. Keys: targets, target:NAME, due:RANK:NAME, orders,
 * closes.
 */
const dueWorkScript = defineScript(
  "due_work",
  [targetLua],
  String.raw`
local nextAt
local function note(instant)
  if instant and instant < math.huge and (not nextAt or instant < nextAt) then nextAt = instant end
end
local function firstClose(from)
  return tonumber(call('ZRANGE', at('closes'), from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2])
end
local later = '(' .. int(now)

local closing = firstClose('-inf')
local isOverdue = closing ~= nil and closing <= now
if isOverdue then note(firstClose(later)) else note(closing) end
local payload = { (isOverdue or call('ZCARD', at('orders')) > 0) and 1 or 0, -1 }
for _, name in ipairs(call('ZRANGE', at('targets'), 0, -1)) do
  local first = firstDue(name, '-inf')
  if first then
    local row = findTarget(name)
    local blocked = blockedUntil(row)
    if blocked then
      note(math.max(first, blocked))
    elseif first > now then
      note(first)
    else
      payload[#payload + 1] = { name, first, row.openUntil or -1, row.why }
      note(firstDue(name, later))
    end
  end
end
payload[2] = nextAt or -1
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

type DueTarget = DueWork["targets"][number];

/** A shard that does not answer must not keep the others waiting: it is asked again after this. */
const retryMillis = 1_000;

export async function dueWork(calls: ShardCalls): Promise<DueWork> {
  const replies = await askReachable(calls, dueWorkScript, everyShard(calls, {}));
  const now = epochMillis(Math.max(...replies.map(({ reply }) => reply.now)));
  const targets = new Map<TargetName, DueTarget>();
  let nextAt: EpochMillis | null = replies.length < calls.shards.count ? epochMillis(now + retryMillis) : null;
  let sweep = false;
  for (const { reply } of replies) {
    const [isSweepDue, next, ...due] = reply.payload;
    const behind = millis(now - reply.now);
    sweep ||= numberOf(isSweepDue) === 1;
    nextAt = earlier(nextAt, instantFrom(next, behind));
    for (const one of due.map((row) => dueTargetFrom(listOf(row), behind))) {
      const known = targets.get(one.target);
      targets.set(one.target, known === undefined ? one : mergeDue(known, one));
    }
  }
  const sorted = [...targets.values()].toSorted((left, right) => (left.target < right.target ? -1 : 1));
  return { now, targets: sorted, sweep, nextAt };
}

/**
 * As the clock of the answer shows it. A wall that was wrong for a while leaves the clocks of shards apart: what is still
 * ahead in a shard whose clock is behind would look overdue, and be asked for again and again.
 */
function instantFrom(reply: Reply | undefined, behind: Millis): EpochMillis | null {
  const instant = numberOf(reply);
  return instant < 0 ? null : epochMillis(instant + behind);
}

const dueTargetFrom = ([name, oldestDueAt, openUntil, reason]: readonly Reply[], behind: Millis): DueTarget => ({
  target: brand<TargetName>(textOf(name)),
  oldestDueAt: epochMillis(numberOf(oldestDueAt) + behind),
  breaker: breakerFrom(openUntil, reason),
});

const mergeDue = (left: DueTarget, right: DueTarget): DueTarget => ({
  target: left.target,
  oldestDueAt: earlier(left.oldestDueAt, right.oldestDueAt) ?? left.oldestDueAt,
  breaker: laterBreaker(left.breaker, right.breaker),
});
