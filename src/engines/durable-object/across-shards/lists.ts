/** Reads of many shards as one: pages are merged and read little more than the page, a few shards at a time. */
import { auditCursor, sequenceIn, type AuditCursor } from "../../../domain/audit-cursor.ts";
import type { AuditEntry } from "../../../domain/audit-entry.ts";
import type { Lease } from "../../../domain/lease.ts";
import type { TargetName } from "../../../domain/names.ts";
import type { DoorScope } from "../../../domain/scope.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import { mergeLanes } from "../../../kernel/merge-lanes.ts";
import { epochMillis } from "../../../kernel/time.ts";
import type { ListAudit } from "../../../ports/ledger-commands.ts";
import type { ActivePage, AuditPage, BlastRadius, LedgerHealth, LeaseView } from "../../../ports/ledger-views.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import type { ShardLedger } from "../shard-ledger.ts";
import { StoreAwayError } from "../../../domain/store-away.ts";
import { fanOut, type Shards } from "./shards.ts";

interface Page {
  readonly after: LeaseId | null;
  readonly limit: number;
}

/** By id over all shards. */
export const mergedLeases = (
  shards: Shards,
  query: Page,
  read: (shard: ShardLedger, page: Page) => Promise<readonly Lease[]>,
): Promise<readonly Lease[]> =>
  mergeLanes<Lease>({
    lanes: shards.count,
    width: fanOut,
    limit: Math.min(query.limit, maxPageSize),
    read: ({ lane, after, size }) => read(shards.at(lane), { after: after?.id ?? query.after, limit: size }),
    compare: (left, right) => (left.id < right.id ? -1 : 1),
  });

/** One shard after the other. Cursor: the shard, and its own. */
export async function listActive(
  shards: Shards,
  query: { readonly target: TargetName; readonly after: string | null; readonly limit: number },
): Promise<ActivePage> {
  const [, numberText = "0", own = ""] = /^(\d+) ?(.*)$/.exec(query.after ?? "0") ?? [];
  const number = Number(numberText);
  const page = await shards.at(number).listActive({ ...query, after: own === "" ? null : own });
  if (page.next !== null) return { leases: page.leases, next: `${number} ${page.next}` };
  return { leases: page.leases, next: number + 1 < shards.count ? String(number + 1) : null };
}

/** Whichever shard knows it. That nobody does is said only when all were asked. */
export async function findLease(shards: Shards, fingerprint: Fingerprint): Promise<LeaseView | undefined> {
  const answered = await shards.reachable((shard) => shard.findLease(fingerprint));
  const found = answered.find(([, view]) => view !== undefined)?.[1];
  if (found === undefined && answered.length < shards.count) throw new StoreAwayError("shard");
  return found;
}

export async function doorRadius(shards: Shards, scope: DoorScope): Promise<BlastRadius> {
  const byProvider: Record<string, number> = {};
  let [tasks, leases] = [0, 0];
  for (const radius of await shards.all((shard) => shard.blastRadius(scope))) {
    tasks += radius.tasks;
    leases += radius.leases;
    for (const [provider, count] of Object.entries(radius.byProvider))
      byProvider[provider] = (byProvider[provider] ?? 0) + count;
  }
  return { tasks, leases, byProvider };
}

/** Suspended where one shard is: whatever has its home there is refused. */
export async function health(shards: Shards): Promise<LedgerHealth> {
  const all = await shards.all((shard) => shard.health());
  const sum = (count: (health: LedgerHealth) => number): number => all.reduce((total, one) => total + count(one), 0);
  const unreadableRows = sum(({ counts }) => counts.unreadableRows ?? 0);
  return {
    now: epochMillis(Math.max(...all.map(({ now }) => now))),
    generation: Math.max(...all.map(({ generation }) => generation)),
    suspended: all.find(({ suspended }) => suspended !== null)?.suspended ?? null,
    counts: {
      openTasks: sum(({ counts }) => counts.openTasks),
      liveLeases: sum(({ counts }) => counts.liveLeases),
      stuckLeases: sum(({ counts }) => counts.stuckLeases),
      ...(unreadableRows > 0 && { unreadableRows }),
    },
  };
}

export async function auditHead(shards: Shards): Promise<AuditCursor> {
  const heads = await shards.all((shard) => shard.auditHead());
  return auditCursor(heads.map((head) => sequenceIn(head, 0)));
}

export async function listAudit(shards: Shards, query: ListAudit): Promise<AuditPage> {
  const { taskId, after } = query;
  const reached = Array.from({ length: shards.count }, (_, shard) => sequenceIn(after, shard));
  if (taskId !== null) {
    const shard = shards.ofId(taskId);
    const page = await shards.at(shard).listAudit({ ...query, after: auditCursor([reached[shard] ?? 0]) });
    reached[shard] = sequenceIn(page.next, 0);
    return { entries: ofShard(page, shard), next: auditCursor(reached) };
  }
  const limit = Math.min(query.limit, maxPageSize);
  return query.newest === true ? newestOfAll(shards, reached, limit) : pageOfAll(shards, reached, limit);
}

/** By time as far as the clocks of the shards agree; within a shard always by sequence. */
const byTime = (left: AuditEntry, right: AuditEntry): number =>
  left.at - right.at || left.shard - right.shard || left.sequence - right.sequence;

async function pageOfAll(shards: Shards, reached: number[], limit: number): Promise<AuditPage> {
  const entries = await mergeLanes<AuditEntry>({
    lanes: shards.count,
    width: fanOut,
    limit,
    async read({ lane, after, size }) {
      const from = auditCursor([after?.sequence ?? reached[lane] ?? 0]);
      return ofShard(await shards.at(lane).listAudit({ taskId: null, after: from, limit: size }), lane);
    },
    compare: byTime,
  });
  for (const { shard, sequence } of entries) reached[shard] = sequence;
  return { entries, next: auditCursor(reached) };
}

/** Backwards from the end, which is looked up first: what follows it is left to whoever reads on from there. */
async function newestOfAll(shards: Shards, starts: readonly number[], limit: number): Promise<AuditPage> {
  const next = await auditHead(shards);
  const entries = await mergeLanes<AuditEntry>({
    lanes: shards.count,
    width: fanOut,
    limit,
    async read({ lane, after, size }) {
      const before = after?.sequence ?? sequenceIn(next, lane) + 1;
      const from = auditCursor([starts[lane] ?? 0]);
      const query = { taskId: null, after: from, before, limit: size, newest: true };
      return ofShard(await shards.at(lane).listAuditBefore(query), lane).toReversed();
    },
    compare: (left, right) => byTime(right, left),
  });
  return { entries: entries.toReversed(), next };
}

/** A shard calls itself the only one. */
const ofShard = ({ entries }: AuditPage, shard: number): readonly AuditEntry[] =>
  entries.map((entry) => ({ ...entry, shard }));
