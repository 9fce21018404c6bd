/**
 * Counts over a subtree, and what a kill would hit. Every script looks at a few hundred rows at most; what changes while
 * it is counted may be counted as it was, but what lives all the while is never missed.
 */
import type { LeaseStateKind } from "../../../domain/lease.ts";
import { scopeKey, type DoorScope, type KillScope } from "../../../domain/scope.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import type { BlastRadius, LeaseSummary } from "../../../ports/ledger-views.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { subtree } from "../lua/subtree.ts";
import { target as targetLua } from "../lua/target.ts";
import { task as taskLua } from "../lua/task.ts";
import { defineScript, listOf, numberOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { walkSubtree } from "../walk-subtree.ts";

const states = ["intended", "active", "revoking", "stuck", "revoked", "expired", "mint_failed"] as const;
const fieldsOf = (kinds: readonly LeaseStateKind[]): string => kinds.map((kind) => `'n:${kind}'`).join(", ");

/** summarize {taskId, path} -> the path; leases by state, in the order of `states`. Keys: meta, kids:TASK, task:ID. */
const summarizeScript = defineScript(
  "summarize",
  [subtree],
  String.raw`
local payload = { path, 0, 0, 0, 0, 0, 0, 0 }
walkSubtree(function(id)
  for i, count in ipairs(call('HMGET', at('task', id), ${fieldsOf(states)})) do
    payload[i + 1] = payload[i + 1] + (tonumber(count or nil) or 0)
  end
end)
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/**
 * hit_tasks {taskId, path} -> the path; how many tasks are open or hold live leases; ids of those that hold some.
 * Keys: meta, kids:TASK, task:ID.
 */
const hitTasksScript = defineScript(
  "hit_tasks",
  [subtree],
  String.raw`
local payload = { path, 0 }
walkSubtree(function(id)
  local facts = call('HMGET', at('task', id), 'o', 'x', ${fieldsOf(states.slice(0, 4))})
  local live = 0
  for i = 3, 6 do live = live + (tonumber(facts[i] or nil) or 0) end
  if live > 0 then payload[#payload + 1] = id end
  if live > 0 or (facts[1] and not facts[2]) then payload[2] = payload[2] + 1 end
end)
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/**
 * hit_leases {tasks, after} -> how many of the tasks are done; the last lease of the next one that was looked at, or '';
 * id and provider of each live lease. Keys: meta, leases:TASK, lease:ID, standings.
 */
const hitLeasesScript = defineScript(
  "hit_leases",
  [taskLua, leaseLua],
  String.raw`
local payload, done, after, budget = { 0, '' }, 0, c.after, 300
while done < #c.tasks and budget > 0 do
  local size = budget
  local ids = call('ZRANGE', at('leases', c.tasks[done + 1]), '(' .. after, '+', 'BYLEX', 'LIMIT', 0, size)
  budget = budget - #ids - 1
  for _, id in ipairs(ids) do
    local row = readLease(id)
    if row and hasStanding(row) and isLive[row.k] then
      payload[#payload + 1] = id
      payload[#payload + 1] = standingOf(row.s).provider
    end
  end
  if #ids == size then after = ids[#ids] else done, after = done + 1, '' end
end
payload[1], payload[2] = done, after
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/**
 * hit_behind {scope, at} -> target, rank and cursor of where it goes on, or '' at the end; id, provider and task of each
 * live lease behind the door. Routine expiry (rank 1) is scanned before kills (0): a lease moves that way only, and is
 * met again rather than missed. A scan gives whatever stays in a set all the while, however its instant changes.
 * Keys: meta, targets, due:RANK:TARGET, lease:ID, standings.
 */
const hitBehindScript = defineScript(
  "hit_behind",
  [taskLua, leaseLua, targetLua],
  String.raw`
local name, rank, cursor = unpack(c.at or { nextTarget(''), '1', '0' })
local payload, budget, behind = { {} }, 300, {}
local function isBehind(standing)
  if behind[standing] == nil then
    behind[standing] = false
    for _, door in ipairs(standingOf(standing).doors) do behind[standing] = behind[standing] or door == c.scope end
  end
  return behind[standing]
end
while name and budget > 0 do
  local page = call('ZSCAN', dueKey(rank, name), cursor, 'COUNT', 100)
  cursor = page[1]
  budget = budget - #page[2] / 2 - 1
  for i = 1, #page[2], 2 do
    local row = readLease(page[2][i])
    if row and hasStanding(row) and isBehind(row.s) then
      payload[#payload + 1] = row.id
      payload[#payload + 1] = standingOf(row.s).provider
      payload[#payload + 1] = row.t
    end
  end
  if cursor == '0' then
    if rank == '1' then rank = '0' else name, rank = nextTarget(name), '1' end
  end
end
if name then payload[1] = { name, rank, cursor } end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/** open_behind {scope, cursor} -> the next cursor, '0' at the end; open tasks behind the door. Keys: meta, closes, task:ID. */
const openBehindScript = defineScript(
  "open_behind",
  [taskLua],
  String.raw`
local page = call('ZSCAN', at('closes'), c.cursor, 'COUNT', 200)
local payload = { page[1] }
for i = 1, #page[2], 2 do
  local row = findTask(page[2][i])
  for _, door in ipairs(row and taskDoors(row) or {}) do
    if door == c.scope then payload[#payload + 1] = row.id end
  end
end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

export async function summarize(calls: ShardCalls, taskId: TaskId): Promise<LeaseSummary> {
  const sums = states.map(() => 0);
  await walkSubtree(calls, {
    taskId,
    script: summarizeScript,
    take: (found) => found.forEach((count, index) => (sums[index] = (sums[index] ?? 0) + numberOf(count))),
  });
  const [intended = 0, active = 0, revoking = 0, stuck = 0, revoked = 0, expired = 0, mintFailed = 0] = sums;
  const byState = { intended, active, revoking, stuck, revoked, expired, mint_failed: mintFailed };
  return { live: intended + active + revoking + stuck, dead: revoked + expired + mintFailed, stuck, byState };
}

export const blastRadius = (calls: ShardCalls, scope: KillScope): Promise<BlastRadius> =>
  scope.kind === "task" ? radiusOfTask(calls, scope.id) : radiusOfDoor(calls, scope);

async function radiusOfTask(calls: ShardCalls, taskId: TaskId): Promise<BlastRadius> {
  let tasks = 0;
  const holders: string[] = [];
  await walkSubtree(calls, {
    taskId,
    script: hitTasksScript,
    take([count, ...ids]) {
      tasks += numberOf(count);
      holders.push(...ids.map(textOf));
    },
  });
  const tally = createTally();
  let after = "";
  for (let index = 0; index < holders.length;) {
    const command = { tasks: holders.slice(index, index + 100), after };
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    const { payload } = await calls.ask(calls.shards.ofId(taskId), hitLeasesScript, command);
    const [done, reached, ...found] = payload;
    for (let at = 0; at < found.length; at += 2) tally.count(found[at], found[at + 1]);
    index += numberOf(done);
    after = textOf(reached);
  }
  return { tasks, ...tally.sums() };
}

/** As many shards are counted at once: an operator's question must not keep a process busy with all of them. */
const shardsAtOnce = 8;

async function radiusOfDoor(calls: ShardCalls, scope: DoorScope): Promise<BlastRadius> {
  let tasks = 0;
  const sums = createTally();
  for (let first = 0; first < calls.shards.count; first += shardsAtOnce) {
    const some = Array.from({ length: Math.min(shardsAtOnce, calls.shards.count - first) }, (_, index) =>
      radiusInShard(calls, first + index, scope),
    );
    // oxlint-disable-next-line no-await-in-loop -- a few shards at once
    for (const found of await Promise.all(some)) {
      tasks += found.tasks;
      sums.add(found.byProvider);
    }
  }
  return { tasks, ...sums.sums() };
}

async function radiusInShard(calls: ShardCalls, shard: number, scope: DoorScope): Promise<BlastRadius> {
  const key = scopeKey(scope);
  const tasks = new Set<string>();
  const tally = createTally();
  for (let at: readonly Reply[] | undefined; at === undefined || at.length > 0;) {
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before ended
    const { payload } = await calls.ask(shard, hitBehindScript, { scope: key, at });
    const [reached, ...found] = payload;
    for (let index = 0; index < found.length; index += 3) {
      tally.count(found[index], found[index + 1]);
      tasks.add(textOf(found[index + 2]));
    }
    at = listOf(reached);
  }
  const hasOpenTasks = scope.kind === "all" || scope.kind === "agent" || scope.kind === "issuer";
  for (let cursor: string | null = hasOpenTasks ? "0" : null; cursor !== null;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    const { payload }: { readonly payload: readonly Reply[] } = await calls.ask(shard, openBehindScript, {
      scope: key,
      cursor,
    });
    const [next, ...ids] = payload;
    for (const id of ids) tasks.add(textOf(id));
    cursor = textOf(next) === "0" ? null : textOf(next);
  }
  return { tasks: tasks.size, ...tally.sums() };
}

/** Counts leases by provider, each once. */
function createTally() {
  const seen = new Set<string>();
  const byProvider: Record<string, number> = {};
  const add = (counts: Readonly<Record<string, number>>): void => {
    for (const [provider, count] of Object.entries(counts)) byProvider[provider] = (byProvider[provider] ?? 0) + count;
  };
  return {
    add,
    count(id: Reply | undefined, provider: Reply | undefined): void {
      if (seen.has(textOf(id))) return;
      seen.add(textOf(id));
      add({ [textOf(provider)]: 1 });
    },
    sums: (): Omit<BlastRadius, "tasks"> => ({
      leases: Object.values(byProvider).reduce((sum, count) => sum + count, 0),
      byProvider,
    }),
  };
}
