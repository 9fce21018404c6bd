/**
 * JSON Canonicalization Scheme (RFC 8785) for the values that audit entries and digests are made of: strings, safe
 * integers, booleans, null, arrays and plain objects. Anything else is a bug and throws.
 */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

/** Every change writes one. What is in order already is left to the runtime's own writer, which is several times faster. */
export function canonicalJson(value: Json): string {
  if (isInOrder(value) || value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members: string[] = [];
  for (const [name, member] of Object.entries(value).sort(byName)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** Whether all members, at every depth, enumerate by the code units of their names. */
function isInOrder(value: Json): boolean {
  if (typeof value === "number") return isSafe(value);
  if (value === null || typeof value !== "object") return true;
  if (isArray(value)) return value.every(isInOrder);
  let previous = "";
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (name < previous || (member !== undefined && !isInOrder(member))) return false;
    previous = name;
  }
  return true;
}

function isSafe(value: number): true {
  if (!Number.isSafeInteger(value)) throw new Error("canonical JSON takes safe integers only");
  return true;
}

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;
const isArray = (value: readonly Json[] | JsonObject): value is readonly Json[] => Array.isArray(value);
