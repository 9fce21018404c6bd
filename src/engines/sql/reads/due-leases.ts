/** The first leases that a claim on a target would take, without taking them: for whoever claims over many shards. */
import type { TargetName } from "../../../domain/names.ts";
import { leaseIdOf, type LeaseId } from "../../../kernel/ids.ts";
import { maxClaimRows } from "../../../kernel/limits.ts";
import { integer, text } from "../driver.ts";
import { findTarget } from "../rows/target-rows.ts";
import { blockedUntil } from "../target-work.ts";
import type { View } from "../tx.ts";

export interface DueLease {
  readonly leaseId: LeaseId;
  /** The lower goes first. */
  readonly rank: number;
  readonly dueAt: number;
}

export function listDue(
  view: View,
  query: { readonly target: TargetName; readonly limit: number },
): readonly DueLease[] {
  const target = findTarget(view, query.target);
  if (target === undefined || blockedUntil(target, view.now) !== null) return [];
  const limit = Math.min(query.limit, maxClaimRows);
  return [0, 1].flatMap((rank) =>
    view.sql
      .all(
        `SELECT key, tag, due_at FROM lease WHERE target = ? AND rank = ? AND due_at IS NOT NULL AND due_at <= ?
          ORDER BY due_at, key LIMIT ?`,
        target.key,
        rank,
        view.now,
        limit,
      )
      .map(([key, tag, dueAt]) => ({ leaseId: leaseIdOf(integer(key), text(tag)), rank, dueAt: integer(dueAt) })),
  );
}
