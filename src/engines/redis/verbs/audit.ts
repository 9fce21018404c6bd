/** Reading the audit, of one task or of all shards. */
import { auditCursor, sequenceIn, type AuditCursor } from "../../../domain/audit-cursor.ts";
import { entryFromBody, type AuditEntry } from "../../../domain/audit-entry.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { ListAudit } from "../../../ports/ledger-commands.ts";
import type { AuditPage } from "../../../ports/ledger-views.ts";
import { sealShard } from "../audit/audit-chain.ts";
import { trail } from "../lua/trail.ts";
import { mergeLanes } from "../../../kernel/merge-lanes.ts";
import { defineScript, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/**
 * audit_page {after, upTo, limit, newest} -> text and hash of each entry between the two; with newest the last ones, the
 * newest first. Keys: meta, audit, hashes:N.
 */
const auditPageScript = defineScript(
  "audit_page",
  [trail],
  String.raw`
local low, high = '(' .. int(c.after) .. '-0', c.upTo and int(c.upTo) .. '-0' or '+'
local rows
if c.newest then rows = call('XREVRANGE', at('audit'), high, low, 'COUNT', c.limit)
else rows = call('XRANGE', at('audit'), low, high, 'COUNT', c.limit) end
local payload = {}
for _, row in ipairs(rows) do tell(payload, row) end
return finish('ok', seq, payload)
`,
);

/** audit_of_task {taskId, after, limit, newest} -> the same of one task, always the oldest first. Keys: and trail:TASK. */
const auditOfTaskScript = defineScript(
  "audit_of_task",
  [trail],
  String.raw`
local list = at('trail', c.taskId)
local low, high = 0, call('LLEN', list)
if c.newest then low = math.max(0, high - c.limit) end
while low < high do
  local middle = math.floor((low + high) / 2)
  if tonumber(call('LINDEX', list, middle)) > c.after then high = middle else low = middle + 1 end
end
local payload = {}
for _, sequence in ipairs(call('LRANGE', list, low, low + c.limit - 1)) do
  tell(payload, call('XRANGE', at('audit'), sequence .. '-0', sequence .. '-0')[1])
end
return finish('ok', seq, payload)
`,
);

/** audit_head {} -> nothing: the answer's sequence is what is asked for. Keys: meta. */
const auditHeadScript = defineScript("audit_head", [], "return finish('ok')");

export async function listAudit(calls: ShardCalls, query: ListAudit): Promise<AuditPage> {
  const limit = Math.min(query.limit, maxPageSize);
  if (query.taskId !== null) return pageOfTask(calls, { ...query, taskId: query.taskId, limit });
  return query.newest === true
    ? newestOfAll(calls, query.after, limit)
    : pageOfAll(calls, sequencesAt(calls, query.after), limit);
}

const sequencesAt = (calls: ShardCalls, cursor: AuditCursor | null): number[] =>
  Array.from({ length: calls.shards.count }, (_, shard) => sequenceIn(cursor, shard));

/** By time as far as the clocks of the shards agree; within a shard always by sequence. */
const byTime = (left: AuditEntry, right: AuditEntry): number =>
  left.at - right.at || left.shard - right.shard || left.sequence - right.sequence;

async function pageOfAll(calls: ShardCalls, reached: number[], limit: number): Promise<AuditPage> {
  const entries = await mergeLanes<AuditEntry>({
    lanes: reached.length,
    limit,
    read: ({ lane, after, size }) =>
      readHashed(calls, lane, { after: after?.sequence ?? reached[lane] ?? 0, limit: size }),
    compare: byTime,
  });
  for (const { shard, sequence } of entries) reached[shard] = sequence;
  return { entries, next: auditCursor(reached) };
}

/** Backwards from the end, which is looked up first: what follows it is left to whoever reads on from there. */
async function newestOfAll(calls: ShardCalls, after: AuditCursor | null, limit: number): Promise<AuditPage> {
  const next = await auditHead(calls);
  const heads = sequencesAt(calls, next);
  const starts = sequencesAt(calls, after);
  const entries = await mergeLanes<AuditEntry>({
    lanes: heads.length,
    limit,
    read: ({ lane, after: last, size }) => {
      const upTo = last === null ? (heads[lane] ?? 0) : last.sequence - 1;
      return readHashed(calls, lane, { after: starts[lane] ?? 0, upTo, limit: size, newest: true });
    },
    compare: (left, right) => byTime(right, left),
  });
  return { entries: entries.toReversed(), next };
}

async function pageOfTask(calls: ShardCalls, query: ListAudit & { readonly taskId: TaskId }): Promise<AuditPage> {
  const { taskId, limit, newest } = query;
  const shard = calls.shards.ofId(taskId);
  const after = sequenceIn(query.after, shard);
  const entries = await readHashed(calls, shard, { taskId, after, limit, newest });
  const others = Array.from({ length: shard }, () => 0);
  return { entries, next: auditCursor([...others, entries.at(-1)?.sequence ?? after]) };
}

interface ShardPage {
  /** None: of the whole shard. */
  readonly taskId?: TaskId;
  readonly after: number;
  readonly upTo?: number;
  readonly limit: number;
  readonly newest?: boolean | undefined;
}

/** Entries are shown with their hash only: what was written a moment ago gets it now, by its reader. */
async function readHashed(calls: ShardCalls, shard: number, page: ShardPage): Promise<readonly AuditEntry[]> {
  const entries = await readOnce(calls, shard, page);
  const last = Math.max(0, ...entries.filter(({ hash }) => hash === "").map(({ sequence }) => sequence));
  if (last === 0) return entries;
  await sealShard(calls, shard, last);
  const hashed = await readOnce(calls, shard, page);
  // What came meanwhile has no hash yet: it is for the next page.
  return hashed.filter(({ sequence }) => sequence <= last);
}

async function readOnce(calls: ShardCalls, shard: number, page: ShardPage): Promise<readonly AuditEntry[]> {
  const script = page.taskId === undefined ? auditPageScript : auditOfTaskScript;
  const { payload } = await calls.ask(shard, script, page);
  return payload.flatMap((body, index) =>
    index % 2 === 0 ? [entryFromBody(textOf(body), { shard, hash: textOf(payload[index + 1]) })] : [],
  );
}

export async function auditHead(calls: ShardCalls): Promise<AuditCursor> {
  const replies = await calls.askAll(auditHeadScript, {});
  return auditCursor(replies.map(({ sequence }) => sequence));
}
