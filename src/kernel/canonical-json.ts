/**
 * JSON Canonicalization Scheme (RFC 8785) for the values that audit entries and digests are made of: strings, safe
 * integers, booleans, null, arrays and plain objects. Anything else is a bug and throws.
 */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

/**
 * Every change writes one. Members are put in order first, so that the runtime's own writer makes the text in one go,
 * several times faster than piece by piece.
 */
export function canonicalJson(value: Json): string {
  const ordered = inOrder(value);
  return ordered === undefined ? write(value) : JSON.stringify(ordered);
}

/** A copy whose members enumerate in canonical order; undefined where no object can have them in that order. */
function inOrder(value: Json): Json | undefined {
  if (typeof value === "number") return checked(value);
  if (value === null || typeof value !== "object") return value;
  if (isArray(value)) {
    const copies = value.map(inOrder);
    return copies.every((copy) => copy !== undefined) ? copies : undefined;
  }
  const copy: Record<string, Json> = {};
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member === undefined) continue;
    const inner = inOrder(member);
    if (inner === undefined || !staysInPlace(name)) return undefined;
    copy[name] = inner;
  }
  return copy;
}

/** Names that look like an index move to the front of every object, by number; `__proto__` is no member at all. */
const staysInPlace = (name: string): boolean => !(name.charCodeAt(0) <= 0x39) && name !== "__proto__";

function write(value: Json): string {
  if (typeof value === "number") return JSON.stringify(checked(value));
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(write).join(",")}]`;
  const members: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${write(member)}`);
  }
  return `{${members.join(",")}}`;
}

function checked(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error("canonical JSON takes safe integers only");
  return value;
}

const isArray = (value: readonly Json[] | JsonObject): value is readonly Json[] => Array.isArray(value);
