/** `Retry-After` (RFC 9110 §10.2.3): seconds or an HTTP date, never beyond an hour, so that no server can silence a kill. */
import { millis, type EpochMillis, type Millis } from "../../src/kernel/time.ts";

const longestMillis = 3_600_000;

export function parseRetryAfter(text: string | undefined, now: EpochMillis): Millis | undefined {
  if (text === undefined) return undefined;
  const span = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(span) && span >= 0 ? millis(Math.min(span, longestMillis)) : undefined;
}
