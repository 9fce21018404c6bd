/**
 * Identifiers, made in one place: `tsk_` and `lea_` followed by 11 digits of a number that only grows in one process
 * (milliseconds since 2026 and a counter), 2 digits of the store's generation and 8 random digits.
 *
 * The leading number sorts by creation and is the row key of the SQL engines (an integer key is several times
 * cheaper than a random text key); the random tail makes ids of different nodes and restores distinct.
 * An id is a name, never an authority.
 */
import { base32FromBytes, base32FromInteger, integerFromBase32 } from "./base32.ts";
import { brand, type Brand } from "./brand.ts";
import type { Clock } from "./clock.ts";
import type { Entropy } from "./entropy.ts";

export type TaskId = Brand<string, "TaskId">;
export type LeaseId = Brand<string, "LeaseId">;
export type RequestId = Brand<string, "RequestId">;

const startOf2026 = 1_767_225_600_000;
const idsPerMilli = 4096;
const keyDigits = 11;
const generationDigits = 2;
const tagDigits = 8;
/** The first digit keeps the number below 2^53. */
const idPattern = /^(tsk|lea)_[0-7][0-9a-hjkmnp-tv-z]{20}$/;

export interface IdFactory {
  task(): TaskId;
  lease(): LeaseId;
  request(): RequestId;
}

export function createIdFactory(options: { clock: Clock; entropy: Entropy; generation: () => number }): IdFactory {
  const { clock, entropy, generation } = options;
  let lastKey = 0;
  const next = (prefix: string): string => {
    lastKey = Math.max(lastKey + 1, (clock.now() - startOf2026) * idsPerMilli);
    const generationText = base32FromInteger(generation(), generationDigits);
    return `${prefix}_${base32FromInteger(lastKey, keyDigits)}${generationText}${base32FromBytes(entropy.bytes(tagDigits))}`;
  };
  return {
    task: () => brand<TaskId>(next("tsk")),
    lease: () => brand<LeaseId>(next("lea")),
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

/** What follows the number: generation and random tag. */
export const tagOfId = (id: TaskId | LeaseId): string => id.slice(4 + keyDigits);

export const taskIdOf = (key: number, tag: string): TaskId =>
  brand<TaskId>(`tsk_${base32FromInteger(key, keyDigits)}${tag}`);
export const leaseIdOf = (key: number, tag: string): LeaseId =>
  brand<LeaseId>(`lea_${base32FromInteger(key, keyDigits)}${tag}`);
