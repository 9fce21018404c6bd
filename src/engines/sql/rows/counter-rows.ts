/**
 * Limits: counters of live leases and fixed windows of mints, all checked before any is taken. A counter is removed
 * when nothing counts on it, so that one per task does not pile up.
 */
import { replacedCounter, type LimitReservation } from "../../../domain/limit.ts";
import type { LeaseId } from "../../../kernel/ids.ts";
import type { CounterCopy } from "../cache.ts";
import { integer, text, type SqlRow } from "../driver.ts";
import type { Tx, View } from "../tx.ts";
import { elsewhereName, isRoom, owe, type Holder } from "./owed-rows.ts";

export type Reservation =
  | { readonly kind: "full"; readonly limit: string; readonly counter: string }
  | { readonly kind: "free"; readonly counters: readonly string[]; readonly windows: readonly Window[] };

/** A fixed window of mints; windows start at whole multiples of their length since 1970. */
export interface Window {
  readonly name: string;
  readonly endsAt: number;
}

/** `freed` are the counters of the lease being replaced: one that is taken anew is not counted twice. */
export function checkLimits(tx: Tx, limits: readonly LimitReservation[], freed: readonly number[]): Reservation {
  const counters = new Set<string>();
  const windows = new Map<string, Window>();
  for (const { limit, counter, max, perSeconds } of limits) {
    let used: number;
    if (perSeconds === undefined) {
      const copy = findCounter(tx, counter);
      used = copy === undefined ? 0 : copy.live - Number(freed.includes(copy.key));
      counters.add(counter);
    } else {
      const window = windowAt(tx, counter, perSeconds * 1000);
      used = readWindow(tx, window);
      windows.set(window.name, window);
    }
    if (used >= max) return { kind: "full", limit, counter };
  }
  return { kind: "free", counters: [...counters], windows: [...windows.values()] };
}

/** Takes what was checked; answers the keys of the live counters, which the lease keeps until it dies. */
export function takeLimits(tx: Tx, reservation: Extract<Reservation, { kind: "free" }>): readonly number[] {
  takeWindows(tx, reservation.windows);
  return reservation.counters.map((name) => takeCounter(tx, name));
}

export function takeWindows(tx: Tx, windows: readonly Window[]): void {
  for (const { name, endsAt } of windows) {
    tx.sql.run(
      `INSERT INTO rate (name, ends_at, used) VALUES (?, ?, 1) ON CONFLICT (name) DO UPDATE SET
        used = CASE WHEN ends_at = excluded.ends_at THEN used + 1 ELSE 1 END, ends_at = excluded.ends_at`,
      name,
      endsAt,
    );
  }
}

/** Of a request that was refused after all; a window that has passed is nobody's. */
export function giveBackWindows(tx: Tx, windows: readonly Window[]): void {
  for (const { name, endsAt } of windows)
    tx.sql.run("UPDATE rate SET used = used - 1 WHERE name = ? AND ends_at = ? AND used > 0", name, endsAt);
}

/** Whether a lease's place may pass to what replaces it: not while what it replaced itself still lives. */
export const mayHandOn = (view: View, leaseId: LeaseId): boolean =>
  findCounter(view, replacedCounter(leaseId)) === undefined;

export function isRoomElsewhere(view: View, key: number): boolean {
  const counter = elsewhereName(counterOfKey(view, key)?.name ?? "");
  return counter !== undefined && isRoom(counter);
}

export function takeCounter(tx: Tx, name: string): number {
  const copy = findCounter(tx, name);
  if (copy !== undefined) {
    setLive(tx, copy, copy.live + 1);
    return copy.key;
  }
  const row = tx.sql.get("INSERT INTO counter (name, live) VALUES (?, 1) RETURNING key, name, live", name);
  if (row === undefined) throw new Error("a counter that was just written is missing");
  return keep(tx, row).key;
}

export function releaseCounters(tx: Tx, keys: readonly number[], holder: Holder): void {
  for (const key of keys) {
    const copy = counterOfKey(tx, key);
    if (copy === undefined) throw new Error("a lease holds a counter that is missing");
    setLive(tx, copy, copy.live - 1);
    const counter = elsewhereName(copy.name);
    if (counter !== undefined) owe(tx, counter, holder);
  }
}

export function releaseCounter(tx: Tx, key: number): void {
  const copy = counterOfKey(tx, key);
  if (copy === undefined) throw new Error("a place is taken in a counter that is missing");
  setLive(tx, copy, copy.live - 1);
}

function setLive(tx: Tx, copy: CounterCopy, live: number): void {
  copy.live = live;
  if (live > 0) {
    tx.sql.run("UPDATE counter SET live = ? WHERE key = ?", live, copy.key);
    return;
  }
  tx.sql.run("DELETE FROM counter WHERE key = ?", copy.key);
  tx.cache.counters.delete(copy.name);
  tx.cache.countersByKey.delete(copy.key);
}

export function findCounter(view: View, name: string): CounterCopy | undefined {
  const cached = view.cache.counters.get(name);
  if (cached !== undefined) return cached;
  const row = view.sql.get("SELECT key, name, live FROM counter WHERE name = ?", name);
  return row === undefined ? undefined : keep(view, row);
}

export function counterOfKey(view: View, key: number): CounterCopy | undefined {
  const cached = view.cache.countersByKey.get(key);
  if (cached !== undefined) return cached;
  const row = view.sql.get("SELECT key, name, live FROM counter WHERE key = ?", key);
  return row === undefined ? undefined : keep(view, row);
}

/** One copy a counter in both caches, or they would disagree. */
function keep(view: View, row: SqlRow): CounterCopy {
  const key = integer(row[0]);
  const name = text(row[1]);
  const live = integer(row[2]);
  const known = view.cache.counters.get(name) ?? view.cache.countersByKey.get(key);
  const copy = known ?? { key, name, live };
  copy.live = live;
  view.cache.counters.set(name, copy);
  view.cache.countersByKey.set(key, copy);
  return copy;
}

const windowAt = (view: View, counter: string, lengthMillis: number): Window => ({
  name: `${lengthMillis}:${counter}`,
  endsAt: (Math.floor(view.now / lengthMillis) + 1) * lengthMillis,
});

function readWindow(view: View, window: Window): number {
  const row = view.sql.get("SELECT used FROM rate WHERE name = ? AND ends_at = ?", window.name, window.endsAt);
  return row === undefined ? 0 : integer(row[0]);
}
