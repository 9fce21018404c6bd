/** What a deny list must hold, and a death that was found undone. */
import type { Lease } from "../../../domain/lease.ts";
import type { TargetName } from "../../../domain/names.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { NotFound, NotRevoked, ReopenLease } from "../../../ports/ledger-commands.ts";
import { mergeLanes } from "../../../kernel/merge-lanes.ts";
import { answer, causeCommand, conflictOf, plain } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * denied_page {target, after, limit} -> rows of denied leases by id. Keys: meta, denied:TARGET (those whose time has
 * passed go), lease:ID, standings. A page that came out too short would leave credentials undenied, so it is filled
 * however many have passed; each goes once, and a target has room for a few thousand.
 */
const deniedPageScript = defineScript(
  "denied_page",
  [taskLua, leaseLua],
  String.raw`
local key, after, payload = at('denied', c.target), c.after, {}
local ids
repeat
  ids = call('ZRANGE', key, '(' .. after, '+', 'BYLEX', 'LIMIT', 0, c.limit - #payload)
  for _, id in ipairs(ids) do
    local row = findLease(id)
    if row and (isDying[row.k] or (row.k == 'revoked' and now < row.na + 300000)) then
      payload[#payload + 1] = leaseReply(row)
    else
      call('ZREM', key, id)
    end
    after = id
  end
until #ids == 0 or #payload == c.limit
return finish('ok', seq, payload)
`,
  { lane: "revoke" },
);

/**
 * reopen_lease {leaseId, reason, cause} -> the lease's row. Keys: meta, lease:ID and what saving one touches, tombs, audit,
 * trail:TASK. Conflicts: not_found, not_revoked.
 */
const reopenScript = defineScript(
  "reopen_lease",
  [taskLua, leaseLua],
  String.raw`
local row = findLease(c.leaseId)
if not row then return conflict('not_found') end
if isDying[row.k] then return finish('ok', seq, { leaseReply(row) }) end
if row.k ~= 'revoked' then return conflict('not_revoked') end
local data = { dead_at = int(row.at), reason = quote(c.reason), verdict = quote(row.v) }
local sequence = audit('lease.reopened', row.t, row.id, data, c.cause)
call('ZREM', at('tombs'), row.id)
row.k, row.kc, row.ko, row.n, row.d = 'revoking', 'undone', now, 0, now
row.at, row.v, row.fj, row.qj = nil, nil, nil, nil
saveLease(row)
return finish('ok', sequence, { leaseReply(row) })
`,
  { lane: "end", isAcknowledged: true },
);

export function listDenied(
  calls: ShardCalls,
  query: { readonly target: TargetName; readonly after: LeaseId | null; readonly limit: number },
): Promise<readonly Lease[]> {
  const { target } = query;
  return mergeLanes<Lease>({
    lanes: calls.shards.count,
    limit: Math.min(query.limit, maxPageSize),
    async read({ lane, after, size }) {
      const command = { target, after: after?.id ?? query.after ?? "", limit: size };
      const { payload } = await calls.ask(lane, deniedPageScript, command);
      return payload.map((row) => leaseFrom(row).lease);
    },
    compare: (left, right) => (left.id < right.id ? -1 : 1),
  });
}

export async function reopenLease(
  calls: ShardCalls,
  { leaseId, reason, cause }: ReopenLease,
): Promise<Answer<Lease, NotFound | NotRevoked>> {
  const command = { leaseId, reason, cause: causeCommand(cause) };
  const reply = await calls.ask(calls.shards.ofId(leaseId), reopenScript, command);
  if (reply.kind === "conflict")
    return conflictOf(reply, plain<NotFound | NotRevoked>({ reason: "not_found" }, { reason: "not_revoked" }));
  return answer(leaseFrom(reply.payload[0]).lease, reply.sequence);
}
