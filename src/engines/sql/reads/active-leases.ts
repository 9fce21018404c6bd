/** Active leases of a target by the due index, whose routine rank holds them all. Cursor: due instant and key of the last row. */
import type { TargetName } from "../../../domain/names.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { ActivePage } from "../../../ports/ledger-views.ts";
import { integer } from "../driver.ts";
import { selectLeases } from "../rows/lease-rows.ts";
import { findTarget } from "../rows/target-rows.ts";
import type { View } from "../tx.ts";

export function listActive(
  view: View,
  query: { readonly target: TargetName; readonly after: string | null; readonly limit: number },
): ActivePage {
  const target = findTarget(view, query.target);
  if (target === undefined) return { leases: [], next: null };
  const [dueAt = -1, key = -1] = query.after === null ? [] : query.after.split(" ").map(Number);
  const limit = Math.min(query.limit, maxPageSize);
  const rows = view.sql.all(
    `SELECT due_at, key FROM lease INDEXED BY lease_by_due WHERE target = ? AND rank = 1 AND due_at IS NOT NULL
      AND (due_at, key) > (?, ?) ORDER BY due_at, key LIMIT ?`,
    target.key,
    dueAt,
    key,
    limit,
  );
  const last = rows.at(-1);
  const leases = rows.flatMap(([, leaseKey]) => selectLeases(view, "lease.key = ?", integer(leaseKey)));
  return {
    leases: leases.map(({ lease }) => lease).filter(({ state }) => state.kind === "active"),
    next: last === undefined || rows.length < limit ? null : `${integer(last[0])} ${integer(last[1])}`,
  };
}
