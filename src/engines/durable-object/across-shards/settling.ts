/**
 * What deaths and ends in one shard give back in others: written there in the same step (`owed`), paid here as often as
 * it takes. And places past their time, whose homes are asked whether they are still held: so a crash burns a place for a
 * while and never frees one that is held.
 */
import { parseLeaseId, parseTaskId } from "../../../kernel/ids.ts";
import { allAtMost, settleAll } from "../../../kernel/settle-all.ts";
import { millis } from "../../../kernel/time.ts";
import type { Log } from "../../../ports/log.ts";
import type { PlaceBack } from "../../sql/rows/owed-rows.ts";
import { doneOf } from "./answers.ts";
import { fanOut, type Shards } from "./shards.ts";

/** Of one call. */
const pagePlaces = 100;
/** What is left waits for the next pass. */
const maxPages = 20;
/** A place that was asked for and is held is not asked for again before this. */
const recheckMillis = millis(600_000);

/** Pays what one shard owes; also for its own alarm. Never rejects: answers whether all of it is paid. */
export async function payOwed(shards: Shards, number: number): Promise<boolean> {
  try {
    for (let page = 0; page < maxPages; page += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
      const owed = await shards.at(number).listOwed(pagePlaces);
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (!(await payPage(shards, number, owed))) return false;
      if (owed.length < pagePlaces) return true;
    }
  } catch {
    // The shard itself does not answer.
  }
  return false;
}

/** One shard that does not answer keeps no other one waiting. */
async function payPage(shards: Shards, number: number, owed: readonly PlaceBack[]): Promise<boolean> {
  const byKeeper = [...Map.groupBy(owed, ({ counter }) => shards.ofText(counter))];
  const paid = await settleAll(byKeeper, fanOut, async ([keeper, places]) => {
    doneOf(await shards.at(keeper).giveBack({ places, windows: [], token: null }));
    doneOf(await shards.at(number).forgetOwed(places));
  });
  return paid.every(({ status }) => status === "fulfilled");
}

/** `places` are all kept in one shard. A home that does not answer leaves them held. */
export async function askForOverdue(shards: Shards, keeper: number, places: readonly PlaceBack[]): Promise<void> {
  const byHome = [...Map.groupBy(places, homeOfPlace(shards))];
  const shard = shards.at(keeper);
  const settled = await settleAll(byHome, fanOut, async ([home, asked]) => {
    const held = home === null ? [] : await shards.at(home).stillHeld(asked);
    const isHeld = new Set(held.map(nameOfPlace));
    const gone = asked.filter((place) => !isHeld.has(nameOfPlace(place))).map((place) => ({ ...place, holdUntil: 0 }));
    if (held.length > 0) doneOf(await shard.renewPlaces({ places: held, hold: recheckMillis }));
    if (gone.length > 0) doneOf(await shard.giveBack({ places: gone, windows: [], token: null }));
  });
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

export const nameOfPlace = ({ counter, owner }: PlaceBack): string => `${owner} ${counter}`;

function homeOfPlace(shards: Shards): (place: PlaceBack) => number | null {
  return ({ owner }) => {
    const id = parseLeaseId(owner) ?? parseTaskId(owner);
    return id === undefined ? null : shards.ofId(id);
  };
}

export interface Settling {
  /** Pays in the background: what this process did may have left something there. */
  soon(shard: number): void;
  /** Resolves when what was asked for so far was paid, or could not be. Null: nothing is under way. */
  pending(): Promise<void> | null;
}

/** One shard after the other, so that it takes no connections from the requests. */
export function createSettling(parts: {
  shards: Shards;
  log: Log;
  /** Keeps the process until the work is done, where it would end with its request. */
  background: (work: Promise<void>) => void;
}): Settling {
  const { shards, log, background } = parts;
  const waiting = new Set<number>();
  let last: Promise<void> | null = null;

  async function pay(before: Promise<void> | null): Promise<void> {
    await before;
    const turn = [...waiting];
    waiting.clear();
    const paid = await allAtMost(turn, 1, (shard) => payOwed(shards, shard));
    if (paid.includes(false)) log.warn("places_unpaid");
  }
  async function run(): Promise<void> {
    const mine = pay(last);
    last = mine;
    await mine;
    if (last === mine) last = null;
  }
  return {
    soon(shard) {
      const isTurnWaiting = waiting.size > 0;
      waiting.add(shard);
      if (!isTurnWaiting) background(run());
    },
    pending: () => last,
  };
}
