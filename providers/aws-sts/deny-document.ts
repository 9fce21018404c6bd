/**
 * One policy of denials: a Deny of everything for sessions by name, and for all that were issued before a cutoff. Always
 * built as a whole from what the ledger says, never from what stands there: IAM knows no compare-and-set, and an edit of
 * an edit would lose somebody's denial. It carries the time of its last addition, for whoever finds it later. Pure.
 */
import { canonicalJson, type Json, type JsonObject } from "../../src/kernel/canonical-json.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import { policyDate } from "./session-policy.ts";

/** What is written. */
export interface DenyContent {
  readonly names: readonly string[];
  /** All sessions issued before it are denied, those of living leases too. */
  readonly cutoff: EpochMillis | null;
  /** When the last of it was added: at a later look all of it has stood since then. */
  readonly addedAt: EpochMillis;
}

/** What a document that stands there surely denies. */
export interface Standing {
  readonly sessions: ReadonlySet<string>;
  readonly cutoff: EpochMillis | null;
  /** Null where it does not say. */
  readonly addedAt: EpochMillis | null;
}
export const nothingStands: Standing = { sessions: new Set(), cutoff: null, addedAt: null };

/** All inline policies of a role together, white space not counted. */
export const roleCharacters = 10_240;
/** One managed policy. */
const managedCharacters = 6_144;
/** Of the statement of denials by name; the seconds of `addedAt` follow. */
export const inlineSid = "MayflyRevocations";
/** Of a provider whose name is as long as names may be. */
const longestSid = "x".repeat(100);
/** `*:` stands for the role's id, which differs after the role was made anew: then its old sessions are dead. */
const entryOf = (sessionName: string): string => `*:${sessionName}`;
const skeletonCharacters = denyText({ names: [], cutoff: epochMillis(0), addedAt: epochMillis(0) }, inlineSid).length;
const managedSkeletonCharacters = denyText({ names: [], cutoff: null, addedAt: epochMillis(0) }, longestSid).length;
/** Of a session's name, with quotes and comma. */
const entryCharacters = entryOf("jit-0123456789abcdef").length + 3;

/** How many sessions can be denied in this room of a role. */
export const deniableIn = (characters: number): number =>
  Math.max(0, Math.floor((characters - skeletonCharacters) / entryCharacters));
export const canHoldCutoff = (characters: number): boolean => characters >= skeletonCharacters;
/** Of a role that holds no other inline policy. */
export const maxDeniable = deniableIn(roleCharacters);
/** Of an overflow policy, whatever else the role has. */
export const maxOverflow = Math.floor((managedCharacters - managedSkeletonCharacters) / entryCharacters);

export function denyText({ names, cutoff, addedAt }: DenyContent, sid: string): string {
  const stamp = String(Math.ceil(addedAt / 1000)).padStart(10, "0");
  const older =
    cutoff === null ? [] : [deny("MayflyCutoff", { DateLessThan: { "aws:TokenIssueTime": policyDate(cutoff) } })];
  // A list is never empty: a name without `*:` is no session's.
  const entries = names.length === 0 ? ["none"] : names.toSorted().map(entryOf);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [deny(`${sid}${stamp}`, { StringLike: { "aws:userid": entries } }), ...older],
  });
}

function deny(Sid: string, Condition: JsonObject): JsonObject {
  return { Sid, Effect: "Deny", Action: "*", Resource: "*", Condition };
}

/** Whether what stands there is this very document, whatever its spelling. AWS answers it percent-encoded, others plain. */
export function isSameDocument(standing: string | null, wanted: string | null): boolean {
  if (standing === null || wanted === null) return standing === wanted;
  const parsed = documentIn(standing);
  return parsed !== undefined && canonicalJson(parsed) === canonicalJson(JSON.parse(wanted) as Json);
}

/** Of a document that is not of this form: nothing. */
export function deniedBy(standing: string | null): Standing {
  const sessions = new Set<string>();
  let cutoff: EpochMillis | null = null;
  let addedAt: EpochMillis | null = null;
  for (const statement of statementsIn(standing)) {
    if (!deniesAll(statement)) continue;
    const [operator, ...more] = isObject(statement["Condition"]) ? Object.entries(statement["Condition"]) : [];
    if (operator === undefined || more.length > 0 || !isObject(operator[1]) || Object.keys(operator[1]).length !== 1)
      continue;
    const users = operator[0] === "StringLike" ? operator[1]["aws:userid"] : undefined;
    for (const user of Array.isArray(users) ? (users as readonly Json[]) : [users])
      if (typeof user === "string" && user.startsWith("*:")) sessions.add(user.slice(2));
    if (users !== undefined) addedAt = stampOf(statement["Sid"]);
    const issued = operator[0] === "DateLessThan" ? operator[1]["aws:TokenIssueTime"] : undefined;
    const at = typeof issued === "string" ? Date.parse(issued) : Number.NaN;
    if (Number.isFinite(at)) cutoff = epochMillis(Math.max(at, cutoff ?? 0));
  }
  return { sessions, cutoff, addedAt };
}

function stampOf(sid: Json | undefined): EpochMillis | null {
  const digits = typeof sid === "string" ? /\d{10}$/.exec(sid)?.[0] : undefined;
  return digits === undefined ? null : epochMillis(Number(digits) * 1000);
}

/** The Sid of a document that denies by name and says nothing else, without its time; undefined for any other. */
export function sidOf(text: string): string | undefined {
  const [only, ...more] = statementsIn(text);
  const sid = only?.["Sid"];
  if (only === undefined || more.length > 0 || !deniesAll(only) || typeof sid !== "string") return undefined;
  return sid.replace(/\d{10}$/, "");
}

function statementsIn(text: string | null): readonly JsonObject[] {
  const parsed = text === null ? undefined : documentIn(text);
  if (!isObject(parsed) || !Array.isArray(parsed["Statement"])) return [];
  return (parsed["Statement"] as readonly Json[]).map((statement) => (isObject(statement) ? statement : {}));
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
