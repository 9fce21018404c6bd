/**
 * Who and what a policy names: an exact text, or a glob in which `*` stands for one or more characters inside one
 * segment. Segments end at `/` and `:`, separators match themselves only, and the whole value must match, so `/pay`
 * never matches `/payroll` and `repo:org/*` never matches `repo:org/a/b`. There are no regular expressions, no case
 * folding and no Unicode normalisation: what looks alike is not alike. Cost is bounded by both lengths.
 */
import { err, ok, type Result } from "../kernel/result.ts";

export interface Pattern {
  readonly text: string;
  /** Without a star: may be looked up in a map. */
  readonly exact: boolean;
  matches(value: string): boolean;
}

export interface PatternFault {
  readonly message: string;
  readonly fix: string;
}

/** The longest SPIFFE ID (SPIFFE-ID §2.3); longer values match nothing. */
const maxValueLength = 2048;
const maxPatternLength = 512;
const maxStars = 8;
const separators = "/:";
/** In a glob these are a regular expression or a richer glob that was meant: refuse rather than never match. */
const foreignSyntax = /[()|^$\\[\]{}?]/;

export function parsePattern(text: string): Result<Pattern, PatternFault> {
  if (text === "") return refuse("the pattern is empty", "write the exact name, or a glob such as `team/*`");
  if (text.length > maxPatternLength)
    return refuse(`the pattern is longer than ${maxPatternLength} characters`, "shorten it");
  if (hasControlCharacter(text))
    return refuse("the pattern holds a control character or line break", "remove it; quote the text on one line");
  if (text.trim() !== text) return refuse("the pattern begins or ends with white space", "remove the white space");
  if (!text.includes("*")) return ok({ text, exact: true, matches: (value) => value === text });
  if (text.includes("**"))
    return refuse("`**` is not supported", "write one `*` for each segment; a star never crosses `/` or `:`");
  if (foreignSyntax.test(text))
    return refuse("the glob uses regular-expression characters", "use only `*`; list alternatives as separate entries");
  if (text.split("*").length - 1 > maxStars)
    return refuse(`the glob has more than ${maxStars} stars`, "use fewer stars");
  const segments = segmentsOf(text).map((segment) => ({ ...segment, pieces: segment.text.split("*") }));
  return ok({ text, exact: false, matches: (value) => matchesAll(segments, value) });
}

/** Whether nothing but stars and separators is in it: such a pattern names no one. */
export const isWildcardOnly = (pattern: Pattern): boolean => !pattern.exact && /^[*/:]+$/.test(pattern.text);

export const matchesAny = (patterns: readonly Pattern[], value: string): boolean =>
  patterns.some((pattern) => pattern.matches(value));

/** C0, DEL, C1 and the line and paragraph separators. */
export function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || unit === 0x2028 || unit === 0x2029) return true;
  }
  return false;
}

interface Segment {
  readonly text: string;
  /** The separator that ends it; empty for the last. */
  readonly end: string;
}
interface GlobSegment extends Segment {
  readonly pieces: readonly string[];
}

function segmentsOf(text: string): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (!separators.includes(text.charAt(index))) continue;
    segments.push({ text: text.slice(start, index), end: text.charAt(index) });
    start = index + 1;
  }
  segments.push({ text: text.slice(start), end: "" });
  return segments;
}

function matchesAll(pattern: readonly GlobSegment[], value: string): boolean {
  if (value.length > maxValueLength || hasControlCharacter(value)) return false;
  const segments = segmentsOf(value);
  return (
    segments.length === pattern.length && pattern.every((wanted, index) => matchesSegment(wanted, segments[index]))
  );
}

/** First and last piece are anchored, the others are found leftmost; each star takes at least one character. */
function matchesSegment(wanted: GlobSegment, segment: Segment | undefined): boolean {
  if (segment === undefined || wanted.end !== segment.end) return false;
  const text = segment.text;
  const first = wanted.pieces[0] ?? "";
  if (wanted.pieces.length === 1) return text === first;
  if (text === "." || text === ".." || !text.startsWith(first)) return false;
  let position = first.length;
  for (const piece of wanted.pieces.slice(1, -1)) {
    const found = text.indexOf(piece, position + 1);
    if (found < 0) return false;
    position = found + piece.length;
  }
  const last = wanted.pieces.at(-1) ?? "";
  return text.endsWith(last) && text.length - last.length > position;
}

const refuse = (message: string, fix: string): Result<never, PatternFault> => err({ message, fix });
