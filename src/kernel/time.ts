/**
 * Instants and spans. Inside the broker an instant is whole milliseconds since the Unix epoch, because kill times
 * are measured in milliseconds; the wire speaks seconds (RFC 6749 `expires_in`, JWT NumericDate).
 */
import { brand, type Brand } from "./brand.ts";

/** An instant: whole milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMillis = Brand<number, "EpochMillis">;
/** A span in milliseconds. */
export type Millis = Brand<number, "Millis">;
/** A span in seconds, as written in policy and on the wire. */
export type Seconds = Brand<number, "Seconds">;

export const epochMillis = (value: number): EpochMillis => brand<EpochMillis>(Math.trunc(value));
export const millis = (value: number): Millis => brand<Millis>(Math.trunc(value));
export const seconds = (value: number): Seconds => brand<Seconds>(value);

export const secondsToMillis = (span: Seconds): Millis => millis(span * 1000);
/** Rounds down: a lifetime is never told longer than it is. */
export const millisToSeconds = (span: Millis): Seconds => seconds(Math.floor(span / 1000));

export const addMillis = (at: EpochMillis, span: number): EpochMillis => epochMillis(at + span);
export const addSeconds = (at: EpochMillis, span: Seconds): EpochMillis => epochMillis(at + span * 1000);
export const millisBetween = (from: EpochMillis, to: EpochMillis): Millis => millis(to - from);
export const earliest = (first: EpochMillis, ...others: readonly EpochMillis[]): EpochMillis =>
  epochMillis(Math.min(first, ...others));

/** Null is never. */
export function earlierOf<T extends number>(left: T | null, right: T | null): T | null {
  if (left === null || right === null) return left ?? right;
  return left < right ? left : right;
}

/** NumericDate of RFC 7519 §2: whole seconds, rounded down. */
export const toNumericDate = (at: EpochMillis): number => Math.floor(at / 1000);
/** RFC 3339 in UTC with milliseconds. */
export const toRfc3339 = (at: EpochMillis): string => new Date(at).toISOString();
