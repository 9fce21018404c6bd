/**
 * Room that a provider's deny list has: a row for each lease that takes some, so that there are never more than a target
 * has room for. Rows whose time has passed are dropped when they are in the way.
 */
import type { LeaseId } from "../../../kernel/ids.ts";
import { keyOfId } from "../../../kernel/ids.ts";
import { expiryGraceMillis, maxPageSize } from "../../../kernel/limits.ts";
import type { TargetName } from "../../../domain/names.ts";
import type { Lease } from "../../../domain/lease.ts";
import { integer } from "../driver.ts";
import type { Tx, View } from "../tx.ts";
import { selectLeases } from "./lease-rows.ts";
import { findTarget } from "./target-rows.ts";

/** A revoked lease is denied until its native expiry is past this. */
const horizon = (view: View): number => view.now - expiryGraceMillis;

export function isFull(tx: Tx, targetKey: number, capacity: number): boolean {
  if (taken(tx, targetKey) < capacity) return false;
  dropPassed(tx, targetKey);
  return taken(tx, targetKey) >= capacity;
}

const taken = (view: View, targetKey: number): number =>
  integer(view.sql.get("SELECT count(*) FROM denial WHERE target = ?", targetKey)?.[0]);

function dropPassed(tx: Tx, targetKey: number): void {
  tx.sql.run(
    `DELETE FROM denial WHERE target = ?1 AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.key = denial.lease_key
      AND (due_at IS NOT NULL OR (state = 'revoked' AND native_expires_at > ?2)))`,
    targetKey,
    horizon(tx),
  );
}

export function takeRoom(tx: Tx, targetKey: number, leaseKey: number): void {
  tx.sql.run("INSERT INTO denial (target, lease_key) VALUES (?, ?)", targetKey, leaseKey);
}

export function listDenied(
  view: View,
  query: { readonly target: TargetName; readonly after: LeaseId | null; readonly limit: number },
): readonly Lease[] {
  const target = findTarget(view, query.target);
  if (target === undefined) return [];
  const after = query.after === null ? 0 : keyOfId(query.after);
  const keys = deniedKeys(view, { targetKey: target.key, after, limit: Math.min(query.limit, maxPageSize) });
  return keys.flatMap((key) => selectLeases(view, "lease.key = ?", key)).map(({ lease }) => lease);
}

export const hasDenied = (view: View, targetKey: number): boolean =>
  deniedKeys(view, { targetKey, after: 0, limit: 1 }).length > 0;

function deniedKeys(view: View, query: { targetKey: number; after: number; limit: number }): readonly number[] {
  const keys = view.sql.all(
    `SELECT denial.lease_key FROM denial CROSS JOIN lease ON lease.key = denial.lease_key
      WHERE denial.target = ?1 AND denial.lease_key > ?2 AND (lease.state IN ('revoking', 'stuck')
        OR (lease.state = 'revoked' AND lease.native_expires_at > ?3))
      ORDER BY denial.lease_key LIMIT ?4`,
    query.targetKey,
    query.after,
    horizon(view),
    query.limit,
  );
  return keys.map(([key]) => integer(key));
}
