/**
 * What one shard does for tasks and leases of others: places in counters, rates, a token that may be used once. All of
 * what is asked is taken, or nothing. Never refused for a suspect clock, which the home judges; no change of this shard's
 * own story, which its home tells.
 */
import type { LimitReservation } from "../../../domain/limit.ts";
import type { LeaseId, TaskId } from "../../../kernel/ids.ts";
import { addMillis, type Millis } from "../../../kernel/time.ts";
import type { Answer } from "../../../ports/ledger.ts";
import type { ReplayMarker } from "../../../ports/ledger-commands.ts";
import { checkLimits, findCounter, giveBackWindows, takeWindows, type Window } from "../rows/counter-rows.ts";
import type { PlaceBack } from "../rows/owed-rows.ts";
import { giveBackReplay, isReplayed, storeReplay } from "../rows/marker-rows.ts";
import { findSlot, mayRide, overdueOwners, settleSlot, takeSlot } from "../rows/slot-rows.ts";
import { answer, type Tx, type View } from "../tx.ts";

export interface PlaceWish {
  readonly owner: LeaseId | TaskId;
  readonly limits: readonly LimitReservation[];
  /** How long before its home may be asked whether it still holds them. */
  readonly hold: Millis;
  /** The lease that it replaces, and the counters in which it may take over that one's place. */
  readonly replaces: { readonly leaseId: LeaseId; readonly counters: readonly string[] } | null;
}

export interface Reserve {
  readonly wishes: readonly PlaceWish[];
  readonly token: ReplayMarker | null;
}

/** What was newly taken, to be given back once if the intent is refused. */
export interface Taken {
  readonly places: readonly PlaceBack[];
  readonly windows: readonly Window[];
  readonly token: ReplayMarker | null;
}

export interface FullLimit {
  readonly owner: LeaseId | TaskId;
  readonly limit: string;
  readonly counter: string;
  /** Holders that may be gone: ask their homes. */
  readonly overdue: readonly string[];
}

export type Reserved =
  | { readonly kind: "taken"; readonly taken: Taken }
  /** The first limit of each owner that is full. */
  | { readonly kind: "refused"; readonly isReplayed: boolean; readonly full: readonly FullLimit[] };

/** Homes asked for one limit: more would keep an issue waiting, and the next one asks for the next. */
const maxOverdue = 20;

export function reserve(tx: Tx, { wishes, token }: Reserve): Answer<Reserved, never> {
  if (tx.suspended !== null && tx.suspended !== "clock_suspect") return { kind: "unknown", reason: tx.suspended };
  const checked = wishes.map((wish) => ({ wish, ...check(tx, wish) }));
  const full = checked.flatMap(({ fullLimit }) => (fullLimit === null ? [] : [fullLimit]));
  const replayed = token !== null && isReplayed(tx, token);
  if (replayed || full.length > 0) return answer({ kind: "refused", isReplayed: replayed, full }, tx.sequence());
  const places = checked.flatMap(({ wish, counters }) => takePlaces(tx, wish, counters));
  const windows = checked.flatMap((one) => one.windows);
  takeWindows(tx, windows);
  if (token !== null) storeReplay(tx, token);
  return answer({ kind: "taken", taken: { places, windows, token } }, tx.sequence());
}

interface Checked {
  readonly fullLimit: FullLimit | null;
  readonly counters: readonly string[];
  readonly windows: readonly Window[];
}

function check(tx: Tx, wish: PlaceWish): Checked {
  const { owner, limits } = wish;
  const freed = limits.flatMap(({ counter, perSeconds }) => {
    const key = perSeconds === undefined ? findCounter(tx, counter)?.key : undefined;
    return key !== undefined && needsNoPlace(tx, wish, counter) ? [key] : [];
  });
  const checked = checkLimits(tx, limits, freed);
  if (checked.kind === "free") return { fullLimit: null, ...checked };
  const { limit, counter } = checked;
  const fullLimit = { owner, limit, counter, overdue: overdueOwners(tx, counter, maxOverdue) };
  return { fullLimit, counters: [], windows: [] };
}

/** It holds one already, or takes one over. */
function needsNoPlace(view: View, wish: PlaceWish, counter: string): boolean {
  const key = findCounter(view, counter)?.key;
  if (key === undefined) return false;
  return findSlot(view, key, wish.owner) !== undefined || ridesOn(view, wish, counter) !== null;
}

function ridesOn(view: View, { replaces }: PlaceWish, counter: string): LeaseId | null {
  const key = findCounter(view, counter)?.key;
  if (key === undefined || replaces === null || !replaces.counters.includes(counter)) return null;
  return mayRide(view, key, replaces.leaseId) ? replaces.leaseId : null;
}

function takePlaces(tx: Tx, wish: PlaceWish, counters: readonly string[]): readonly PlaceBack[] {
  const { owner, hold } = wish;
  return counters.flatMap((counter) => {
    const key = findCounter(tx, counter)?.key;
    if (key !== undefined && findSlot(tx, key, owner) !== undefined) return [];
    takeSlot(tx, { counter, owner, hold, ridesOn: ridesOn(tx, wish, counter) });
    return [{ counter, owner, holdUntil: 0 }];
  });
}

/** Once for each taking: a rate and a token are counted, not named. */
export function giveBack(tx: Tx, { places, windows, token }: Taken): Answer<void, never> {
  for (const place of places) settleSlot(tx, place);
  giveBackWindows(tx, windows);
  if (token !== null) giveBackReplay(tx, token);
  return answer(undefined, tx.sequence());
}

/** Of places whose time is over: those that their homes still hold are asked for again after `hold`. */
export function renewPlaces(
  tx: Tx,
  { places, hold }: { readonly places: readonly PlaceBack[]; readonly hold: Millis },
): Answer<void, never> {
  for (const place of places) settleSlot(tx, { ...place, holdUntil: addMillis(tx.now, hold) });
  return answer(undefined, tx.sequence());
}
