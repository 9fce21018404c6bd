/**
 * Reads the members of options and scopes: each reader takes one member, and `done` refuses whatever nobody asked for.
 * The first fault is kept, so that a folder reads like its own table of options. Faults never repeat a value.
 */
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { ScopeFault } from "../../src/domain/scope-template.ts";

export interface Members {
  text(name: string): string | undefined;
  url(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  texts(name: string): readonly string[] | undefined;
  /** A whole number from `min` to `max`. */
  whole(name: string, bounds: { min: number; max: number }): number | undefined;
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined;
  /** A list of different ones of these. */
  someOf<T extends string>(name: string, values: readonly T[]): readonly T[] | undefined;
  /** `{ env: NAME }` or `{ file: PATH }`: where a secret is, never the secret itself. */
  secretReference(name: string): JsonObject | undefined;
  /** Adds a fault of the caller's own. */
  refuse(path: string, message: string): undefined;
  /** What `build` makes, if there was no fault. */
  done<T>(build: () => T): Result<T, ScopeFault>;
}

const maxTextLength = 2048;
const maxTexts = 64;

export function readMembers(members: JsonObject): Members {
  const asked = new Set<string>();
  let first: ScopeFault | undefined;

  const refuse = (path: string, message: string): undefined => {
    first ??= { path, message };
  };
  /** Undefined without a fault where the member is missing. */
  function take<T>(name: string, parse: (value: Json) => T | undefined, message: string): T | undefined {
    asked.add(name);
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    if (value === undefined) return undefined;
    return parse(value) ?? refuse(name, message);
  }

  return {
    refuse,
    text: (name) => take(name, textOf, `must be a text of 1 to ${maxTextLength} characters`),
    url: (name) => take(name, urlOf, "must be an absolute http or https URL without user, query or fragment"),
    flag: (name) => take(name, (value) => (typeof value === "boolean" ? value : undefined), "must be true or false"),
    texts: (name) => take(name, textsOf, `must be a list of 1 to ${maxTexts} different texts`),
    whole: (name, { min, max }) =>
      take(name, (value) => wholeOf(value, min, max), `must be a whole number from ${min} to ${max}`),
    oneOf: (name, values) =>
      take(name, (value) => values.find((known) => known === value), `must be one of ${values.join(", ")}`),
    someOf: (name, values) => take(name, (value) => subsetOf(value, values), `must list some of ${values.join(", ")}`),
    secretReference: (name) =>
      take(name, referenceOf, "must be { env: NAME } or { file: PATH }, never the secret itself"),
    done(build) {
      const unknown = Object.keys(members).find((name) => !asked.has(name));
      if (unknown !== undefined) refuse(unknown, `is not known here; known are ${[...asked].sort().join(", ")}`);
      return first === undefined ? ok(build()) : err(first);
    },
  };
}

const textOf = (value: Json): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= maxTextLength ? value : undefined;

function urlOf(value: Json): string | undefined {
  const text = textOf(value);
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { protocol, username, password } = new URL(text);
  const isPlain = /^https?:$/.test(protocol) && username === "" && password === "";
  return isPlain && !/[?#\s\\]/.test(text) ? text : undefined;
}

function textsOf(value: Json): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxTexts) return undefined;
  const texts = (value as readonly Json[]).flatMap((one) => textOf(one) ?? []);
  return texts.length === value.length && new Set(texts).size === texts.length ? texts : undefined;
}

function subsetOf<T extends string>(value: Json, values: readonly T[]): readonly T[] | undefined {
  const texts = textsOf(value);
  const known = values.filter((one) => texts?.includes(one));
  return texts?.length === known.length ? known : undefined;
}

const wholeOf = (value: Json, min: number, max: number): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;

function referenceOf(value: Json): JsonObject | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  const [entry] = entries;
  const isReference = entries.length === 1 && entry !== undefined && /^(env|file)$/.test(entry[0]);
  return isReference && typeof entry[1] === "string" && entry[1] !== "" ? { [entry[0]]: entry[1] } : undefined;
}
