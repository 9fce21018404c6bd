/**
 * Of a ledger over many shards: a lease or task counts in its home under a name that tells that the true counter is
 * elsewhere; when it gives that up, the home owes the other shard the place. Written in the same step, paid later.
 */
import type { LeaseId, TaskId } from "../../../kernel/ids.ts";
import { integer, text } from "../driver.ts";
import type { Tx, View } from "../tx.ts";

/** Who gives a place up, and how long the room of a dead lease stays taken. */
export interface Holder {
  readonly id: LeaseId | TaskId;
  readonly roomUntil: number;
}

/** A place that is given back, or that from now on is held until then. */
export interface PlaceBack {
  readonly counter: string;
  readonly owner: string;
  /** In the past: given back. */
  readonly holdUntil: number;
}

const elsewherePrefix = "elsewhere:";
const roomPrefix = "room:";

export const elsewhere = (counter: string): string => `${elsewherePrefix}${counter}`;

/** The true name of a counter that is kept elsewhere. */
export const elsewhereName = (name: string): string | undefined =>
  name.startsWith(elsewherePrefix) ? name.slice(elsewherePrefix.length) : undefined;

/** Room at a target, over all shards: held until the credential has surely ended, and never handed on. */
export const roomCounter = (target: string): string => `${roomPrefix}${target}`;
export const isRoom = (counter: string): boolean => counter.startsWith(roomPrefix);

export function owe(tx: Tx, counter: string, { id, roomUntil }: Holder): void {
  tx.sql.run(
    "INSERT OR REPLACE INTO owed (counter, owner, hold_until) VALUES (?, ?, ?)",
    counter,
    id,
    isRoom(counter) ? roomUntil : 0,
  );
  tx.due(tx.now);
}

export function listOwed(view: View, limit: number): readonly PlaceBack[] {
  return view.sql
    .all("SELECT counter, owner, hold_until FROM owed LIMIT ?", limit)
    .map(([counter, owner, holdUntil]) => ({
      counter: text(counter),
      owner: text(owner),
      holdUntil: integer(holdUntil),
    }));
}

export function forgetOwed(tx: Tx, paid: readonly PlaceBack[]): void {
  for (const { counter, owner } of paid) tx.sql.run("DELETE FROM owed WHERE counter = ? AND owner = ?", counter, owner);
}
