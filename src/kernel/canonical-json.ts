/**
 * JSON Canonicalization Scheme (RFC 8785) for the values that audit entries and digests are made of: strings, safe
 * integers, booleans, null, arrays and plain objects. Anything else is a bug and throws.
 */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };

/** Every issue writes two: where the names are in order already, the runtime's own writer gives the same text faster. */
export function canonicalJson(value: Json): string {
  return isOrdered(value) ? JSON.stringify(value) : writeOrdered(value);
}

function isOrdered(value: Json): boolean {
  if (typeof value === "number") return checkNumber(value);
  if (value === null || typeof value !== "object") return true;
  if (isArray(value)) return value.every(isOrdered);
  let last = "";
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (key < last || (member !== undefined && !isOrdered(member))) return false;
    last = key;
  }
  return true;
}

function checkNumber(value: number): true {
  if (!Number.isSafeInteger(value)) throw new Error("canonical JSON takes safe integers only");
  return true;
}

function writeOrdered(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

const isArray = (value: readonly Json[] | JsonObject): value is readonly Json[] => Array.isArray(value);
