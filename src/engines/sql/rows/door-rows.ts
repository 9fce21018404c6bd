/** Doors: standing closures of a scope. Few, and asked for at every issue, so the set of closed ones is kept. */
import type { DoorScope } from "../../../domain/scope.ts";
import { doorScopeFromKey, scopeKey } from "../../../domain/scope.ts";
import { epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import type { Door } from "../../../ports/ledger-views.ts";
import { integer, text } from "../driver.ts";
import type { View } from "../tx.ts";

export function isAnyClosed(view: View, doorKeys: readonly string[]): boolean {
  view.cache.doors ??= new Set(view.sql.all("SELECT scope FROM door").map(([scope]) => text(scope)));
  const closed = view.cache.doors;
  return closed.size > 0 && doorKeys.some((key) => closed.has(key));
}

export function listDoorRows(view: View): readonly Door[] {
  const rows = view.sql.all(
    `SELECT scope, reason, closed_at, EXISTS (SELECT 1 FROM kill_order WHERE kill_order.scope = door.scope)
     FROM door ORDER BY closed_at, scope`,
  );
  return rows.map(([scope, reason, closedAt, expanding]) => ({
    scope: doorScopeFromKey(text(scope)),
    reason: text(reason),
    closedAt: epochMillis(integer(closedAt)),
    expanding: integer(expanding) === 1,
  }));
}

export function findDoor(view: View, scope: DoorScope): Pick<Door, "reason" | "closedAt"> | undefined {
  const row = view.sql.get("SELECT reason, closed_at FROM door WHERE scope = ?", scopeKey(scope));
  return row === undefined ? undefined : { reason: text(row[0]), closedAt: epochMillis(integer(row[1])) };
}

export function storeDoor(view: View, scope: DoorScope, door: { reason: string; closedAt: EpochMillis }): void {
  const key = scopeKey(scope);
  view.sql.run("INSERT INTO door (scope, reason, closed_at) VALUES (?, ?, ?)", key, door.reason, door.closedAt);
  view.cache.doors = null;
}

export function removeDoor(view: View, scope: DoorScope): void {
  view.sql.run("DELETE FROM door WHERE scope = ?", scopeKey(scope));
  view.cache.doors = null;
}
