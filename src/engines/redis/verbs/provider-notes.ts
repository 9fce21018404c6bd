/** What was seen of providers, in the first shard, and which credentials of theirs are active. */
import type { ProviderName, TargetName } from "../../../domain/names.ts";
import { brand } from "../../../kernel/brand.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { NoteProvider } from "../../../ports/ledger-commands.ts";
import type { ActivePage, ProviderNotes } from "../../../ports/ledger-views.ts";
import { answer } from "../answers.ts";
import { lease as leaseLua } from "../lua/lease.ts";
import { task as taskLua } from "../lua/task.ts";
import { leaseFrom } from "../rows/lease-row.ts";
import { defineScript, listOf, numberOf, textOf } from "../script.ts";
import type { ShardCalls } from "../shard-calls.ts";

/** note_provider {provider, kind, digest} -> nothing. Keys: meta, providers. */
const noteScript = defineScript(
  "note_provider",
  [],
  String.raw`
local what = c.kind == 'kill' and c.digest or int(generation)
call('HSET', at('providers'), c.kind .. ':' .. c.provider, what .. ' ' .. int(now))
touch()
return finish('ok')
`,
  { lane: "revoke" },
);

/** provider_notes {} -> kind, provider, and what was noted with its instant. Keys: meta, providers. */
const notesScript = defineScript(
  "provider_notes",
  [],
  String.raw`
local payload, flat = {}, call('HGETALL', at('providers'))
for i = 1, #flat, 2 do
  local kind, provider = string.match(flat[i], '^(%a+):(.*)$')
  local what, noted = string.match(flat[i + 1], '^(.*) (%d+)$')
  payload[#payload + 1] = { kind, provider, what, noted }
end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

/**
 * active_page {target, score, id, limit} -> how many were looked at, due instant and id of the last of them, then rows of
 * those that are active. Keys: meta, due:1:TARGET, lease:ID, standings.
 */
const activePageScript = defineScript(
  "active_page",
  [taskLua, leaseLua],
  String.raw`
local key, start = dueKey(1, c.target), 0
if c.id ~= '' then
  local isThere = call('ZSCORE', key, c.id) == c.score
  start = isThere and call('ZRANK', key, c.id) + 1 or call('ZCOUNT', key, '-inf', '(' .. c.score)
end
local flat = call('ZRANGE', key, start, start + c.limit - 1, 'WITHSCORES')
local payload = { #flat / 2, flat[#flat] or '', flat[#flat - 1] or '' }
for i = 1, #flat, 2 do
  local row = soundLease(flat[i])
  if row and row.k == 'active' then payload[#payload + 1] = leaseReply(row) end
end
return finish('ok', seq, payload)
`,
  { lane: "end" },
);

export async function noteProvider(calls: ShardCalls, { provider, seen }: NoteProvider): Promise<Answer<void, never>> {
  const { sequence } = await calls.ask(0, noteScript, { provider, ...seen });
  return answer(undefined, sequence);
}

export async function listProviderNotes(calls: ShardCalls): Promise<readonly ProviderNotes[]> {
  const notes = new Map<string, ProviderNotes>();
  for (const row of (await calls.ask(0, notesScript, {})).payload) {
    const [kind, provider, what, noted] = listOf(row).map(textOf);
    if (kind === undefined || provider === undefined || what === undefined || noted === undefined) continue;
    const at = epochMillis(Number(noted));
    const before = notes.get(provider) ?? { provider: brand<ProviderName>(provider), kill: null, reconciled: null };
    const seen = kind === "kill" ? { kill: { digest: what, at } } : { reconciled: { generation: Number(what), at } };
    notes.set(provider, { ...before, ...seen });
  }
  return [...notes.values()].toSorted((left, right) => (left.provider < right.provider ? -1 : 1));
}

/** One shard after the other. Cursor: shard, then due instant and id of the last row looked at there. */
export async function listActive(
  calls: ShardCalls,
  query: { readonly target: TargetName; readonly after: string | null; readonly limit: number },
): Promise<ActivePage> {
  const [shardText = "0", score = "", id = ""] = query.after?.split(" ") ?? [];
  const shard = Number(shardText);
  const limit = Math.min(query.limit, maxPageSize);
  const { payload } = await calls.ask(shard, activePageScript, { target: query.target, score, id, limit });
  const [looked, lastScore, lastId, ...rows] = payload;
  const isDone = numberOf(looked) < limit;
  const behind = shard + 1 < calls.shards.count ? String(shard + 1) : null;
  return {
    leases: rows.map((row) => leaseFrom(row).lease),
    next: isDone ? behind : `${shard} ${textOf(lastScore)} ${textOf(lastId)}`,
  };
}
