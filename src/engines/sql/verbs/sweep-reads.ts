/** What is due, now and next. A few index look-ups a target, whatever the number of leases and tasks. */
import { epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import type { DueWork, TargetState } from "../../../ports/ledger-views.ts";
import { integer, type SqlDriver } from "../driver.ts";
import { hasOrders } from "../rows/kill-order-rows.ts";
import { hasDenied } from "../rows/denial-rows.ts";
import { listTargetRecords, type TargetRecord } from "../rows/target-rows.ts";
import { blockedUntil, firstDueAfter, targetState, untilResumed } from "../target-work.ts";
import type { View } from "../tx.ts";

export function dueWork(view: View): DueWork {
  const { now } = view;
  const targets: DueWork["targets"][number][] = [];
  const next: number[] = [];
  for (const record of listTargetRecords(view)) {
    const first = firstDueAfter(view, record.key, 0);
    if (first === null) continue;
    const blocked = blockedUntil(record, now);
    if (blocked === null && first <= now)
      targets.push({ target: record.target, oldestDueAt: first, breaker: record.breaker });
    next.push(nextOf(view, record, { first, blocked }));
  }
  const closesNow = firstClose(view.sql, 0);
  next.push(firstClose(view.sql, now) ?? never);
  const at = Math.min(...next);
  return {
    now,
    targets,
    sweep: hasOrders(view) || (closesNow !== null && closesNow <= now),
    nextAt: at < never ? epochMillis(at) : null,
  };
}

const never: number = untilResumed;

function nextOf(
  view: View,
  record: TargetRecord,
  { first, blocked }: { readonly first: EpochMillis; readonly blocked: EpochMillis | null },
): number {
  if (blocked !== null) return Math.max(first, blocked);
  return first > view.now ? first : (firstDueAfter(view, record.key, view.now) ?? never);
}

/** When the first open task lapses after an instant. */
export function firstClose(sql: SqlDriver, after: number): number | null {
  const row = sql.get(
    "SELECT closes_at FROM task WHERE closes_at IS NOT NULL AND closes_at > ? ORDER BY closes_at LIMIT 1",
    after,
  );
  return row === undefined ? null : integer(row[0]);
}

/** Those with something live, and those whose breaker or pause was ever set. */
export function listTargets(view: View): readonly TargetState[] {
  return listTargetRecords(view)
    .filter(({ key, isSet }) => isSet || firstDueAfter(view, key, 0) !== null || hasDenied(view, key))
    .map((record) => targetState(view, record));
}
