/**
 * Who holds the places of a counter that counts over many shards, so that a place is taken once and given back once
 * however often either is asked for. A place never lapses by itself: past its time its home is asked.
 */
import type { Millis } from "../../../kernel/time.ts";
import { text, textOrNull } from "../driver.ts";
import type { Tx, View } from "../tx.ts";
import { findCounter, releaseCounter, takeCounter } from "./counter-rows.ts";
import type { PlaceBack } from "./owed-rows.ts";

interface Slot {
  readonly owner: string;
  readonly ridesOn: string | null;
}

export function findSlot(view: View, counterKey: number, owner: string): Slot | undefined {
  const row = view.sql.get("SELECT rides_on FROM slot WHERE owner = ? AND counter = ?", owner, counterKey);
  return row === undefined ? undefined : { owner, ridesOn: textOrNull(row[0] ?? null) };
}

function findRider(view: View, counterKey: number, owner: string): string | undefined {
  const row = view.sql.get(
    "SELECT owner FROM slot WHERE counter = ? AND rides_on IS NOT NULL AND rides_on = ? LIMIT 1",
    counterKey,
    owner,
  );
  return row === undefined ? undefined : text(row[0]);
}

/** A place carries one successor: the next one needs its own. */
export const mayRide = (view: View, counterKey: number, on: string): boolean =>
  findSlot(view, counterKey, on) !== undefined && findRider(view, counterKey, on) === undefined;

export function takeSlot(
  tx: Tx,
  wish: { readonly counter: string; readonly owner: string; readonly hold: Millis; readonly ridesOn: string | null },
): void {
  const { counter, owner, hold, ridesOn } = wish;
  const key = ridesOn === null ? takeCounter(tx, counter) : findCounter(tx, counter)?.key;
  if (key === undefined) throw new Error("a place is to be shared in a counter that is missing");
  const values = [owner, key, tx.now + hold, ridesOn];
  tx.sql.run("INSERT INTO slot (owner, counter, hold_until, rides_on) VALUES (?, ?, ?, ?)", ...values);
}

/** Gives it back, to its rider where it has one, or holds it until then. What is not held any more stays as it is. */
export function settleSlot(tx: Tx, { counter, owner, holdUntil }: PlaceBack): void {
  const key = findCounter(tx, counter)?.key;
  const slot = key === undefined ? undefined : findSlot(tx, key, owner);
  if (key === undefined || slot === undefined) return;
  if (holdUntil > tx.now) {
    tx.sql.run("UPDATE slot SET hold_until = ? WHERE owner = ? AND counter = ?", holdUntil, owner, key);
    return;
  }
  tx.sql.run("DELETE FROM slot WHERE owner = ? AND counter = ?", owner, key);
  const rider = findRider(tx, key, owner);
  if (rider !== undefined)
    tx.sql.run("UPDATE slot SET rides_on = ? WHERE owner = ? AND counter = ?", slot.ridesOn, rider, key);
  else if (slot.ridesOn === null) releaseCounter(tx, key);
}

/** Holders whose time is over, the longest first. */
export function overdueOwners(view: View, counter: string, limit: number): readonly string[] {
  const key = findCounter(view, counter)?.key;
  if (key === undefined) return [];
  const overdue = "counter = ? AND hold_until <= ? ORDER BY hold_until LIMIT ?";
  return view.sql.all(`SELECT owner FROM slot WHERE ${overdue}`, key, view.now, limit).map(([owner]) => text(owner));
}
