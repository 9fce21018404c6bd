/**
 * A page of live leases by the due index, target by target. Tombstones are not in that index. Routine expiry (rank 1)
 * is walked before kills (rank 0), because a lease that becomes due on the way moves from the former to the latter and
 * must land ahead of the walk. Position: [target, rank, due instant, key] of the last row.
 */
import { integer, type SqlRow, type SqlValue } from "../driver.ts";
import type { Position } from "../rows/kill-order-rows.ts";
import { selectLeases, type LeaseRecord } from "../rows/lease-rows.ts";
import type { View } from "../tx.ts";

export interface DuePage {
  readonly records: readonly LeaseRecord[];
  /** How many rows were looked at; `records` are those that the filter let through. */
  readonly scanned: number;
  readonly position: Position | "done";
}

export interface DueQuery {
  readonly from: Position;
  readonly limit: number;
  /** Only this target; null for all. */
  readonly targetKey: number | null;
  /** Standings of which a lease must be; null for any. */
  readonly standings: ReadonlySet<number> | null;
}

const firstRank = 1;

export function readDuePage(view: View, query: DueQuery): DuePage {
  // Without room for a row nothing is known of what comes: that must not read as the end of a rank.
  if (query.limit <= 0) return { records: [], scanned: 0, position: query.from };
  const [target, rank = firstRank, dueAt = -1, key = -1] = query.from;
  const targetKey = target ?? query.targetKey ?? nextTarget(view, 0);
  if (targetKey === undefined) return { records: [], scanned: 0, position: "done" };
  const rows = view.sql.all(
    `SELECT due_at, key, standing FROM lease INDEXED BY lease_by_due WHERE target = ? AND rank = ?
      AND due_at IS NOT NULL AND (due_at, key) > (?, ?) ORDER BY due_at, key LIMIT ?`,
    targetKey,
    rank,
    dueAt,
    key,
    query.limit,
  );
  const hits = rows.filter(([, , standing]) => query.standings === null || query.standings.has(integer(standing)));
  const records = hits.flatMap(([, leaseKey]) => recordOf(view, leaseKey));
  const last = rows.at(-1);
  if (last !== undefined && rows.length === query.limit)
    return { records, scanned: rows.length, position: [targetKey, rank, integer(last[0]), integer(last[1])] };
  if (rank === firstRank) return { records, scanned: rows.length, position: [targetKey, 0] };
  const next = query.targetKey === null ? nextTarget(view, targetKey) : undefined;
  return { records, scanned: rows.length, position: next === undefined ? "done" : [next] };
}

const recordOf = (view: View, key: SqlValue | undefined): readonly LeaseRecord[] =>
  selectLeases(view, "lease.key = ?", integer(key));

function nextTarget(view: View, after: number): number | undefined {
  const row = view.sql.get("SELECT key FROM target WHERE key > ? ORDER BY key LIMIT 1", after);
  return row === undefined ? undefined : integer(row[0]);
}

/** Where a walk over all targets stands: the last row that it has seen of one rank of one target. */
export type DuePosition = readonly [target: number, rank: number, dueAt: number, key: number];

export function beginDueWalk(view: View, after = 0): DuePosition | "done" {
  const target = nextTarget(view, after);
  return target === undefined ? "done" : [target, firstRank, -1, -1];
}

/** `last` is the row that a full page ended with. */
export function afterDuePage(view: View, [target, rank]: DuePosition, last: SqlRow | undefined): DuePosition | "done" {
  if (last !== undefined) return [target, rank, integer(last[0]), integer(last[1])];
  return rank === firstRank ? [target, 0, -1, -1] : beginDueWalk(view, target);
}
