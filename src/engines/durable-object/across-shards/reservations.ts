/**
 * What an intent or an opening takes in shards that are not its own, before its home is asked: places in counters,
 * rates, a token that may be used once. Given back when the home refuses. A crash between the two burns what was taken
 * for a time, and never lets more through than a limit says.
 */
import type { LimitReservation } from "../../../domain/limit.ts";
import { settleAll } from "../../../kernel/settle-all.ts";
import type { ReplayMarker } from "../../../ports/ledger-commands.ts";
import type { Log } from "../../../ports/log.ts";
import type { PlaceBack } from "../../sql/rows/owed-rows.ts";
import type { FullLimit, PlaceWish, Reserved as ShardReserved, Taken } from "../../sql/verbs/place-verbs.ts";
import type { ShardLedger } from "../shard-ledger.ts";
import { doneOf } from "./answers.ts";
import { keptElsewhere } from "./limits.ts";
import { askForOverdue, nameOfPlace, type Settling } from "./settling.ts";
import { fanOut, type Shards } from "./shards.ts";

export interface Reserved {
  isFull(limit: LimitReservation): boolean;
  readonly isReplayed: boolean;
  /** Never rejects: what cannot be given back is asked for when its time is over. */
  giveBack(): Promise<void>;
  /** Of a repeat, which takes nothing anew: what the home says is held stays. */
  giveBackRepeated(home: ShardLedger): Promise<void>;
}

interface Parts {
  readonly shards: Shards;
  readonly settling: Settling;
  readonly log: Log;
}

interface Said {
  readonly shard: number;
  readonly reserved: ShardReserved;
}

interface Question {
  readonly wishes: readonly PlaceWish[];
  readonly token: ReplayMarker | null;
}

/** Rejects where a shard did not answer; then nothing may be recorded. */
export async function reserve(parts: Parts, question: Question): Promise<Reserved> {
  const asked = byShard(parts.shards, question);
  const said = await ask(parts, asked);
  const isWorthAnother = said.some(isRefused) && (await makeRoom(parts, said));
  return reservedOf(parts, isWorthAnother ? await ask(parts, asked) : said);
}

/** What each shard is asked for; a shard without any is not asked. */
function byShard(shards: Shards, { wishes, token }: Question): ReadonlyMap<number, Question> {
  const asked = new Map<number, Question>();
  const add = (shard: number, more: Partial<Question>): void => {
    const known = asked.get(shard) ?? { wishes: [], token: null };
    asked.set(shard, { wishes: [...known.wishes, ...(more.wishes ?? [])], token: more.token ?? known.token });
  };
  for (const wish of wishes) {
    const groups = Map.groupBy(keptElsewhere(wish.limits), ({ counter }) => shards.ofText(counter));
    for (const [shard, limits] of groups) add(shard, { wishes: [{ ...wish, limits }] });
  }
  if (token !== null) add(shards.ofText(`${token.issuerUrl} ${token.tokenId}`), { token });
  return asked;
}

/** All of it, or an error and nothing. */
async function ask(parts: Parts, asked: ReadonlyMap<number, Question>): Promise<readonly Said[]> {
  const settled = await settleAll([...asked], fanOut, async ([shard, question]) => ({
    shard,
    reserved: doneOf(await parts.shards.at(shard).reserve(question)).value,
  }));
  const said = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed?.status !== "rejected") return said;
  await giveBack(parts, said);
  throw failed.reason;
}

/** What is full may be so for what this process is just paying, or for places that nobody holds any more. */
async function makeRoom(parts: Parts, said: readonly Said[]): Promise<boolean> {
  const { shards, settling, log } = parts;
  const paying = settling.pending();
  const overdue = said.flatMap(({ shard, reserved }) => {
    const places = fullOf(reserved).flatMap(({ counter, overdue: owners }) =>
      owners.map((owner) => ({ counter, owner, holdUntil: 0 })),
    );
    return places.length === 0 ? [] : [{ shard, places }];
  });
  if (paying === null && overdue.length === 0) return false;
  await giveBack(parts, said);
  await paying;
  const results = await settleAll(overdue, 1, ({ shard, places }) => askForOverdue(shards, shard, places));
  if (results.some(({ status }) => status === "rejected")) log.warn("places_unasked");
  return true;
}

function reservedOf(parts: Parts, said: readonly Said[]): Reserved {
  const full = said.flatMap(({ reserved }) => fullOf(reserved));
  return {
    isFull: ({ limit, counter }) => full.some((one) => one.limit === limit && one.counter === counter),
    isReplayed: said.some(({ reserved }) => reserved.kind === "refused" && reserved.isReplayed),
    giveBack: () => giveBack(parts, said),
    async giveBackRepeated(home) {
      const taken = said.flatMap(({ reserved }) => (reserved.kind === "taken" ? reserved.taken.places : []));
      await giveBack(parts, said, taken.length === 0 ? [] : await heldOf(home, taken));
    },
  };
}

/** Where the home does not say, all of it: it is asked again when their time is over. */
async function heldOf(home: ShardLedger, taken: readonly PlaceBack[]): Promise<readonly PlaceBack[]> {
  try {
    return await home.stillHeld(taken);
  } catch {
    return taken;
  }
}

const isRefused = ({ reserved }: Said): boolean => reserved.kind === "refused";
const fullOf = (reserved: ShardReserved): readonly FullLimit[] => (reserved.kind === "refused" ? reserved.full : []);

async function giveBack({ shards, log }: Parts, said: readonly Said[], keep: readonly PlaceBack[] = []): Promise<void> {
  const kept = new Set(keep.map(nameOfPlace));
  const owed = said.flatMap(({ shard, reserved }) => {
    if (reserved.kind !== "taken") return [];
    const places = reserved.taken.places.filter((place) => !kept.has(nameOfPlace(place)));
    const taken = { ...reserved.taken, places };
    return isNothing(taken) ? [] : [{ shard, taken }];
  });
  const results = await settleAll(owed, fanOut, async ({ shard, taken }) =>
    doneOf(await shards.at(shard).giveBack(taken)),
  );
  if (results.some(({ status }) => status === "rejected")) log.warn("reservation_unsettled");
}

const isNothing = ({ places, windows, token }: Taken): boolean =>
  places.length === 0 && windows.length === 0 && token === null;
