/** Leases of a subtree, stuck leases, doors, sealing keys. A page costs the page, not what there is. */
import type { Lease } from "../../../domain/lease.ts";
import { doorScopeFromKey } from "../../../domain/scope.ts";
import type { LeaseId, TaskId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { Door } from "../../../ports/ledger-views.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { subtree } from "../lua/subtree.ts";
import { task as taskLua } from "../lua/task.ts";
import { mergeLanes } from "../../../kernel/merge-lanes.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, listOf, numberOf, textOf, type Reply } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";
import { walkSubtree } from "../walk-subtree.ts";
import { doorFrom } from "./doors.ts";

/**
 * lease_ids {taskId, path, after, upTo, limit} -> the path; ids of leases behind `after`, and before `upTo` where that is
 * given: at most `limit` of each task that the page visits. Keys: meta, kids:TASK, leases:TASK.
 */
const leaseIdsScript = defineScript(
  "lease_ids",
  [subtree],
  String.raw`
local payload = { path }
local low, high = '(' .. c.after, c.upTo and '(' .. c.upTo or '+'
walkSubtree(function(id)
  local ids = call('ZRANGE', at('leases', id), low, high, 'BYLEX', 'LIMIT', 0, c.limit)
  budget = budget - #ids
  for _, leaseId in ipairs(ids) do payload[#payload + 1] = leaseId end
end)
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/** lease_rows {ids} -> each one's row; those that were purged are left out. Keys: meta, lease:ID, standings. */
const leaseRowsScript = defineScript(
  "lease_rows",
  [taskLua, leaseLua],
  String.raw`
local payload = {}
for _, id in ipairs(c.ids) do
  local row = findLease(id)
  if row then payload[#payload + 1] = leaseReply(row) end
end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/** stuck_page {after, limit} -> rows of stuck leases by id. Keys: meta, stuck, lease:ID, standings. */
const stuckPageScript = defineScript(
  "stuck_page",
  [taskLua, leaseLua],
  String.raw`
local after, payload = c.after, {}
local ids
-- A short page would be taken for the last.
repeat
  ids = call('ZRANGE', at('stuck'), '(' .. after, '+', 'BYLEX', 'LIMIT', 0, c.limit - #payload)
  for _, id in ipairs(ids) do
    local row = soundLease(id)
    if row then payload[#payload + 1] = leaseReply(row) end
    after = id
  end
until #ids == 0 or #payload == c.limit
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/** list_doors {} -> scope, text and open orders of each closed door. Keys: meta, doors, ordered. */
const listDoorsScript = defineScript(
  "list_doors",
  [],
  String.raw`
local payload, flat = {}, call('HGETALL', at('doors'))
for i = 1, #flat, 2 do
  local orders = tonumber(call('HGET', at('ordered'), flat[i]) or 0)
  payload[#payload + 1] = { flat[i], flat[i + 1], orders }
end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/** seal_keys {} -> the keys that live leases are sealed with. Keys: meta, seals. */
const sealKeysScript = defineScript("seal_keys", [], "return finish('ok', seq, call('HKEYS', at('seals')))");

const leasesFrom = (payload: readonly Reply[]): readonly Lease[] => payload.map((row) => leaseFrom(row).lease);

interface Page {
  readonly after: LeaseId | null;
  readonly limit: number;
}

export async function listLeases(
  calls: ShardCalls,
  query: Page & { readonly taskId: TaskId },
): Promise<readonly Lease[]> {
  const { taskId } = query;
  const limit = Math.min(query.limit, maxPageSize);
  const leases: Lease[] = [];
  for (let after: string | undefined = query.after ?? ""; after !== undefined && leases.length < limit;) {
    const missing: number = limit - leases.length;
    // oxlint-disable-next-line no-await-in-loop -- a second round only where rows were purged between two scripts
    const ids: readonly string[] = await firstIds(calls, { taskId, after, limit: missing });
    // oxlint-disable-next-line no-await-in-loop -- as above
    const { payload } = await calls.ask(calls.shards.ofId(taskId), leaseRowsScript, { ids });
    leases.push(...leasesFrom(payload));
    after = ids.length < missing ? undefined : ids.at(-1);
  }
  return leases;
}

/** The first ids behind `after`, whichever of the tasks holds them; ids sort by creation. */
async function firstIds(
  calls: ShardCalls,
  { taskId, after, limit }: { taskId: TaskId; after: string; limit: number },
): Promise<readonly string[]> {
  let best: readonly string[] = [];
  await walkSubtree(calls, {
    taskId,
    script: leaseIdsScript,
    command: () => ({ after, limit, upTo: best.length === limit ? best.at(-1) : undefined }),
    take: (found) => void (best = [...best, ...found.map(textOf)].toSorted().slice(0, limit)),
  });
  return best;
}

export function listStuck(calls: ShardCalls, query: Page): Promise<readonly Lease[]> {
  return mergeLanes<Lease>({
    lanes: calls.shards.count,
    limit: Math.min(query.limit, maxPageSize),
    async read({ lane, after, size }) {
      const command = { after: after?.id ?? query.after ?? "", limit: size };
      return leasesFrom((await calls.ask(lane, stuckPageScript, command)).payload);
    },
    compare: (left, right) => (left.id < right.id ? -1 : 1),
  });
}

/** A door that is closed in some shards only is told as closed: there it refuses. */
export async function listDoors(calls: ShardCalls): Promise<readonly Door[]> {
  const doors = new Map<string, Door>();
  for (const { payload } of await calls.askAll(listDoorsScript, {})) {
    for (const row of payload) {
      const [scope, text, orders] = listOf(row);
      const key = textOf(scope);
      const known = doors.get(key);
      const door = { scope: doorScopeFromKey(key), ...doorFrom(textOf(text)), expanding: numberOf(orders) > 0 };
      const earlier = known !== undefined && known.closedAt <= door.closedAt ? known : door;
      doors.set(key, { ...earlier, expanding: door.expanding || known?.expanding === true });
    }
  }
  return [...doors.values()];
}

export async function sealedKeyIds(calls: ShardCalls): Promise<readonly string[]> {
  const replies = await calls.askAll(sealKeysScript, {});
  return [...new Set(replies.flatMap(({ payload }) => payload.map(textOf)))];
}
