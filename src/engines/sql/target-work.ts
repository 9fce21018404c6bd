/** What is due on a target and whether a kill could get through: a few index look-ups, whatever the number of leases. */
import type { TargetName } from "../../domain/names.ts";
import { maxKillDelayMillis, maxRetryMillis } from "../../kernel/limits.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { TargetState } from "../../ports/ledger-views.ts";
import { integer, integerOrNull } from "./driver.ts";
import { findTarget, type TargetRecord } from "./rows/target-rows.ts";
import type { Tx, View } from "./tx.ts";

/** Far beyond any due instant: a pause ends by an operator only. */
export const untilResumed = epochMillis(Number.MAX_SAFE_INTEGER);

/** Until when no kill of the target may be tried; null when it may now. */
export function blockedUntil(record: TargetRecord | undefined, now: EpochMillis): EpochMillis | null {
  if (record === undefined) return null;
  if (record.paused) return untilResumed;
  return record.breaker.kind === "open" && now < record.breaker.until ? record.breaker.until : null;
}

/** The due instant of the first live lease of the target that falls due after `after`. */
export function firstDueAfter(view: View, targetKey: number, after: number): EpochMillis | null {
  let first: number | null = null;
  for (const rank of [0, 1]) {
    const row = view.sql.get(
      `SELECT due_at FROM lease INDEXED BY lease_by_due WHERE target = ? AND rank = ? AND due_at IS NOT NULL
        AND due_at > ? ORDER BY due_at LIMIT 1`,
      targetKey,
      rank,
      after,
    );
    const at = row === undefined ? null : integerOrNull(row[0]);
    if (at !== null && (first === null || at < first)) first = at;
  }
  return first === null ? null : epochMillis(first);
}

export function oldestDue(view: View, targetKey: number): EpochMillis | null {
  const first = firstDueAfter(view, targetKey, 0);
  return first !== null && first <= view.now ? first : null;
}

/**
 * After `until` an open breaker lets kills through, mints only once it is closed; or when the longest backoff has passed
 * too, for then nothing was left to kill that could close it. Judged once a commit and target.
 */
export function isKillPathBroken(tx: Tx, target: TargetName): boolean {
  const known = tx.memo.get(target);
  if (known !== undefined) return known;
  const record = findTarget(tx, target);
  const broken = record !== undefined && isBroken(tx, record);
  tx.memo.set(target, broken);
  return broken;
}

function isBroken(tx: Tx, record: TargetRecord): boolean {
  const { paused, breaker } = record;
  if (paused || (breaker.kind === "open" && tx.now < breaker.until + maxRetryMillis)) return true;
  const first = oldestDue(tx, record.key);
  return first !== null && tx.now > first + maxKillDelayMillis;
}

export function targetState(view: View, record: TargetRecord): TargetState {
  const { key, target, provider, breaker, paused } = record;
  const count = (source: string, ...values: readonly number[]): number =>
    integer(view.sql.get(`SELECT count(*) FROM lease INDEXED BY ${source} AND target = ?`, ...values, key)?.[0]);
  return {
    target,
    provider,
    breaker,
    paused,
    due: count("lease_by_due WHERE rank IN (0, 1) AND due_at IS NOT NULL AND due_at <= ?", view.now),
    oldestDueAt: oldestDue(view, key),
    claimed: count("lease_by_fence WHERE fence IS NOT NULL AND due_at > ?", view.now),
    stuck: count("lease_stuck_by_target WHERE state = 'stuck'"),
  };
}
