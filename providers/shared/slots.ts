/**
 * Where a parameter may stand in a scope, and how it is written there. A slot either encodes a value so that it stays
 * one piece, or refuses it; it never lets a value add structure. Refusals do not repeat the value.
 */
import { err, ok, type Result } from "../../src/kernel/result.ts";

/** Text of one parameter value to text of its slot. */
export type Slot = (value: string) => Result<string, string>;

const maxValueLength = 256;

/**
 * Inside a scope token (RFC 6749 §3.3). Scope tokens know no escape, and servers give meaning to `:`, `/`, `*` and the
 * like inside them, so a value is letters, digits, `_`, `-` and inner dots.
 */
export const scopeTokenSlot: Slot = (value) =>
  value.length <= maxValueLength && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(value)
    ? ok(value)
    : err("may hold only letters, digits, _, - and single dots between them");

/** One segment of a URL's path, or one value of its query (RFC 3986 §3.3): encoded, and never `.` or `..`. */
export const pathSegmentSlot: Slot = (value) => {
  if (value === "" || value.length > maxValueLength) return err(`must have 1 to ${maxValueLength} characters`);
  if (/^\.{1,2}$/.test(value)) return err("must not be a dot segment");
  if (!value.isWellFormed()) return err("must be well-formed text");
  return ok(encodeURIComponent(value).replace(/[!'()*]/g, percentEncoded));
};

/** What encodeURIComponent leaves alone, but RFC 3986 §2.2 reserves. */
const percentEncoded = (letter: string): string => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;
