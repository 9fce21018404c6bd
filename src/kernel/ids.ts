/**
 * Identifiers, made in one place: `tsk_` and `lea_` followed by 11 digits of a number that only grows in one process
 * (milliseconds since 2026 and a counter), 2 digits of the store's generation, 6 random digits and 2 of its home.
 *
 * The leading number sorts by creation and is the row key of the SQL engines (an integer key is several times
 * cheaper than a random text key); the random tail makes ids of different nodes and restores distinct. The home is where
 * an engine of many shards keeps it: a task tree and all its leases have one home.
 * An id is a name, never an authority.
 */
import { base32FromBytes, base32FromInteger, integerFromBase32 } from "./base32.ts";
import { brand, type Brand } from "./brand.ts";
import type { Clock } from "./clock.ts";
import { fraction, type Entropy } from "./entropy.ts";
import { epochMillis, type EpochMillis } from "./time.ts";

export type TaskId = Brand<string, "TaskId">;
export type LeaseId = Brand<string, "LeaseId">;
export type RequestId = Brand<string, "RequestId">;
/** The last two digits of an id. */
export type Home = Brand<string, "Home">;

const startOf2026 = 1_767_225_600_000;
const idsPerMilli = 4096;
const keyDigits = 11;
const generationDigits = 2;
const randomDigits = 6;
const homeDigits = 2;
/** As many homes as two digits can tell apart. */
export const homes = 32 ** homeDigits;
/** The first digit keeps the number below 2^53. */
const idPattern = /^(tsk|lea)_[0-7][0-9a-hjkmnp-tv-z]{20}$/;

export interface IdFactory {
  /** Without a home: where new ids live. */
  task(home?: Home): TaskId;
  lease(home?: Home): LeaseId;
  request(): RequestId;
}

export interface IdFactoryOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly generation: () => number;
  /**
   * Where new ids live, for a process that is one of many, each with a shard of the store. Others make ids for the same
   * shard, so numbers then begin anywhere within their millisecond: two that are equal are one row key. Left out: anywhere.
   */
  readonly home?: () => Home;
}

export function createIdFactory({ clock, entropy, generation, home: homeOfNew }: IdFactoryOptions): IdFactory {
  let lastKey = 0;
  const anywhere = (): string => base32FromBytes(entropy.bytes(homeDigits));
  const startInMilli = (): number => (homeOfNew === undefined ? 0 : Math.floor(fraction(entropy) * idsPerMilli));
  const next = (prefix: string, home: string = homeOfNew?.() ?? anywhere()): string => {
    lastKey = Math.max(lastKey + 1, (clock.now() - startOf2026) * idsPerMilli + startInMilli());
    const generationText = base32FromInteger(generation(), generationDigits);
    return `${prefix}_${base32FromInteger(lastKey, keyDigits)}${generationText}${base32FromBytes(entropy.bytes(randomDigits))}${home}`;
  };
  return {
    task: (home) => brand<TaskId>(next("tsk", home)),
    lease: (home) => brand<LeaseId>(next("lea", home)),
    request: () => brand<RequestId>(`req_${base32FromBytes(entropy.bytes(16))}`),
  };
}

export function parseTaskId(text: string): TaskId | undefined {
  return text.startsWith("tsk_") && idPattern.test(text) ? brand<TaskId>(text) : undefined;
}

export function parseLeaseId(text: string): LeaseId | undefined {
  return text.startsWith("lea_") && idPattern.test(text) ? brand<LeaseId>(text) : undefined;
}

/** The growing number inside an id: the row key of the SQL engines. */
export function keyOfId(id: TaskId | LeaseId): number {
  const key = integerFromBase32(id.slice(4, 4 + keyDigits));
  if (key === undefined) throw new Error("not an id");
  return key;
}

/** When an id was made, by the clock of whoever made it. */
export const instantOfId = (id: TaskId | LeaseId): EpochMillis =>
  epochMillis(startOf2026 + Math.floor(keyOfId(id) / idsPerMilli));

export const homeOfId = (id: TaskId | LeaseId): Home => brand<Home>(id.slice(-homeDigits));

/** The same home for the same text. FNV-1a: spreads well, and nothing rests on it but where a thing is kept. */
export function homeOfText(text: string): Home {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return brand<Home>(base32FromInteger(hash % homes, homeDigits));
}

/** A number below `homes`. */
export function homeNumber(home: Home): number {
  const value = integerFromBase32(home);
  if (value === undefined) throw new Error("not a home");
  return value;
}

/** What follows the number: generation, random digits and home. */
export const tagOfId = (id: TaskId | LeaseId): string => id.slice(4 + keyDigits);

export const taskIdOf = (key: number, tag: string): TaskId =>
  brand<TaskId>(`tsk_${base32FromInteger(key, keyDigits)}${tag}`);
export const leaseIdOf = (key: number, tag: string): LeaseId =>
  brand<LeaseId>(`lea_${base32FromInteger(key, keyDigits)}${tag}`);
