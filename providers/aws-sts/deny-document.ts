/**
 * The broker's one inline policy of a role: a Deny of everything for the sessions that were killed. Always built as a
 * whole from what the ledger says, never from what stands there: IAM knows no compare-and-set, and an edit of an edit
 * would lose somebody's denial. Pure.
 */
import { canonicalJson, type Json, type JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { policyDate } from "./session-policy.ts";

/** A session that must stay dead, and the latest instant at which it can have been issued. */
export interface Denial {
  readonly sessionName: string;
  readonly issuedBefore: EpochMillis;
}

export interface DenyDocument {
  /** Null where nothing has to be denied: then no policy stands there. */
  readonly text: string | null;
  /** All sessions issued before it are denied, those of living leases too. */
  readonly cutoff: EpochMillis | null;
  /** What found no room: none of it may be called dead. */
  readonly uncovered: readonly string[];
}

/** All inline policies of a role together, white space not counted. */
export const roleCharacters = 10_240;
/** `*:` stands for the role's id, which differs after the role was made anew: then its old sessions are dead. */
const entryOf = (sessionName: string): string => `*:${sessionName}`;
const skeletonCharacters = documentOf(["x"], epochMillis(0)).length;
/** Of a session's name, with quotes and comma. */
const entryCharacters = entryOf("jit-0123456789abcdef").length + 3;

/** How many sessions can be denied in this room. */
export const deniableIn = (characters: number): number =>
  Math.max(0, Math.floor((characters - skeletonCharacters) / entryCharacters));
/** Of a role that holds no other inline policy. */
export const maxDeniable = deniableIn(roleCharacters);

export interface DenyOptions {
  readonly characters: number;
  readonly overflow: "refuse" | "cutoff";
  /** Sessions that are denied already, and may have been called dead. */
  readonly standing: ReadonlySet<string>;
}

/**
 * Each gets an entry. Where those do not fit, the oldest are cut off by their time of issue where that is allowed; else
 * what stands keeps its place, and the others are left uncovered, which no verdict may hide.
 */
export function denyDocument(denials: readonly Denial[], options: DenyOptions): DenyDocument {
  const isCuttingOff = options.overflow === "cutoff";
  const rank = ({ sessionName }: Denial): number => (!isCuttingOff && options.standing.has(sessionName) ? 0 : 1);
  const ordered = [...new Map(denials.map((denial) => [denial.sessionName, denial])).values()].sort(
    (left, right) =>
      rank(left) - rank(right) ||
      right.issuedBefore - left.issuedBefore ||
      (left.sessionName < right.sessionName ? -1 : 1),
  );
  const room = deniableIn(options.characters);
  const [fitting, rest] = [ordered.slice(0, room), ordered.slice(room)];
  const names = fitting.map(({ sessionName }) => sessionName).sort();
  const [newestOfRest] = rest;
  if (newestOfRest === undefined)
    return { text: names.length === 0 ? null : documentOf(names, null), cutoff: null, uncovered: [] };
  if (isCuttingOff && skeletonCharacters <= options.characters) {
    const cutoff = cutoffAfter(newestOfRest.issuedBefore);
    return { text: documentOf(names, cutoff), cutoff, uncovered: [] };
  }
  const uncovered = rest.map(({ sessionName }) => sessionName);
  return { text: names.length === 0 ? null : documentOf(names, null), cutoff: null, uncovered };
}

/**
 * Issue times are whole seconds, and one equal to the cutoff is not denied: the second after the next whole one is beyond
 * both that and a clock that is a little off.
 */
const cutoffAfter = (issuedBefore: EpochMillis): EpochMillis =>
  epochMillis((Math.floor(issuedBefore / 1000) + 2) * 1000);

function documentOf(names: readonly string[], cutoff: EpochMillis | null): string {
  const deny = (sid: string, condition: JsonObject): JsonObject => ({
    Sid: sid,
    Effect: "Deny",
    Action: "*",
    Resource: "*",
    Condition: condition,
  });
  const sessions =
    names.length === 0 ? [] : [deny("MayflyRevocations", { StringLike: { "aws:userid": names.map(entryOf) } })];
  const older =
    cutoff === null ? [] : [deny("MayflyCutoff", { DateLessThan: { "aws:TokenIssueTime": policyDate(cutoff) } })];
  return JSON.stringify({ Version: "2012-10-17", Statement: [...sessions, ...older] });
}

/** Whether what stands there is this very document, whatever its spelling. AWS answers it percent-encoded, others plain. */
export function isSameDocument(standing: string | null, wanted: string | null): boolean {
  if (standing === null || wanted === null) return standing === wanted;
  const parsed = documentIn(standing);
  return parsed !== undefined && canonicalJson(parsed) === canonicalJson(JSON.parse(wanted) as Json);
}

/** The sessions that this document surely denies. Of a document that is not of this form: none. */
export function deniedBy(standing: string | null): {
  readonly sessions: ReadonlySet<string>;
  readonly cutoff: EpochMillis | null;
} {
  const parsed = standing === null ? undefined : documentIn(standing);
  const statements =
    isObject(parsed) && Array.isArray(parsed["Statement"]) ? (parsed["Statement"] as readonly Json[]) : [];
  const sessions = new Set<string>();
  let cutoff: EpochMillis | null = null;
  for (const statement of statements) {
    if (!isObject(statement) || !deniesAll(statement)) continue;
    const [operator, ...more] = isObject(statement["Condition"]) ? Object.entries(statement["Condition"]) : [];
    if (operator === undefined || more.length > 0 || !isObject(operator[1]) || Object.keys(operator[1]).length !== 1)
      continue;
    const users = operator[0] === "StringLike" ? operator[1]["aws:userid"] : undefined;
    for (const user of Array.isArray(users) ? (users as readonly Json[]) : [users])
      if (typeof user === "string" && user.startsWith("*:")) sessions.add(user.slice(2));
    const issued = operator[0] === "DateLessThan" ? operator[1]["aws:TokenIssueTime"] : undefined;
    const at = typeof issued === "string" ? Date.parse(issued) : Number.NaN;
    if (Number.isFinite(at)) cutoff = epochMillis(Math.max(at, cutoff ?? 0));
  }
  return { sessions, cutoff };
}

const deniesAll = (statement: JsonObject): boolean =>
  statement["Effect"] === "Deny" && statement["Action"] === "*" && statement["Resource"] === "*";

function documentIn(text: string): Json | undefined {
  try {
    return JSON.parse(text.startsWith("{") ? text : decodeURIComponent(text)) as Json;
  } catch {
    return undefined;
  }
}

/** Of any policy, as AWS counts it. */
export const charactersOf = (text: string): number =>
  (text.startsWith("%7B") ? decoded(text) : text).replace(/\s/g, "").length;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
