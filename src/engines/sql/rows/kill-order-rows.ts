/**
 * Kill orders: one row says that everything of a scope must die; the sweeper walks it. The row keeps where the walk
 * stands, so that a page is all that any transaction touches and a crash repeats nothing.
 */
import type { KillCause } from "../../../domain/lease.ts";
import { epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import { integer, text, type SqlRow } from "../driver.ts";
import type { Tx, View } from "../tx.ts";

/** Ends of tasks are small and go ahead of doors; resetting a backoff comes last. */
export type OrderRank = 0 | 1 | 2;
export const taskRank: OrderRank = 0;
export const wideRank: OrderRank = 1;
export const resetRank: OrderRank = 2;

export interface KillOrder {
  readonly rank: OrderRank;
  /** Of the entry that ordered it: it covers what was recorded before. */
  readonly sequence: number;
  /** `scopeKey` of what is killed, or `target:NAME` for a reset. */
  readonly scope: string;
  /** The task's key or the target's; 0 for a door. */
  readonly subjectKey: number;
  readonly cause: KillCause;
  readonly orderedAt: EpochMillis;
  readonly position: Position;
}

/** Where the walk stands: after this row. What the numbers mean is the walk's business. */
export type Position = readonly number[];

const columns = "rank, sequence, scope, subject_key, cause, ordered_at, position";

function orderFromRow(row: SqlRow): KillOrder {
  const [rank, sequence, scope, subjectKey, cause, orderedAt, position] = row;
  return {
    rank: integer(rank) as OrderRank,
    sequence: integer(sequence),
    scope: text(scope),
    subjectKey: integer(subjectKey),
    cause: text(cause) as KillCause,
    orderedAt: epochMillis(integer(orderedAt)),
    position: JSON.parse(text(position)) as Position,
  };
}

export function firstOrder(view: View): KillOrder | undefined {
  const row = view.sql.get(`SELECT ${columns} FROM kill_order ORDER BY rank, sequence, subject_key LIMIT 1`);
  return row === undefined ? undefined : orderFromRow(row);
}

export const hasOrders = (view: View): boolean => view.sql.get("SELECT 1 FROM kill_order LIMIT 1") !== undefined;

export const isOrdered = (view: View, scope: string): boolean =>
  view.sql.get("SELECT 1 FROM kill_order WHERE scope = ? LIMIT 1", scope) !== undefined;

/** Whether the kill of one of these scopes was ordered after an entry and is not walked to its end. */
export function isKilledSince(view: View, scopes: readonly string[], sequence: number): boolean {
  if (view.sql.get("SELECT 1 FROM kill_order WHERE rank = ? LIMIT 1", wideRank) === undefined) return false;
  const ordered = "SELECT 1 FROM kill_order WHERE scope = ? AND rank = ? AND sequence > ? LIMIT 1";
  return scopes.some((scope) => view.sql.get(ordered, scope, wideRank, sequence) !== undefined);
}

export function insertOrder(tx: Tx, order: Omit<KillOrder, "position">): void {
  tx.sql.run(
    `INSERT INTO kill_order (${columns}) VALUES (?, ?, ?, ?, ?, ?, '[]')`,
    order.rank,
    order.sequence,
    order.scope,
    order.subjectKey,
    order.cause,
    order.orderedAt,
  );
  tx.due(tx.now);
}

export function storePosition(tx: Tx, order: KillOrder, position: Position): void {
  tx.sql.run(
    "UPDATE kill_order SET position = ? WHERE rank = ? AND sequence = ? AND subject_key = ?",
    JSON.stringify(position),
    order.rank,
    order.sequence,
    order.subjectKey,
  );
  tx.touch();
}

export function removeOrder(tx: Tx, order: KillOrder): void {
  tx.sql.run(
    "DELETE FROM kill_order WHERE rank = ? AND sequence = ? AND subject_key = ?",
    order.rank,
    order.sequence,
    order.subjectKey,
  );
  tx.touch();
}
