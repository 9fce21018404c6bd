/** A JSON object that every parser reads alike (RFC 7515 §4, RFC 8725 §2.4), or nothing. */
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";

export function parseJsonObject(text: string): JsonObject | undefined {
  const parsed = parseStrictJson(text);
  return parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined;
}

export const isJsonObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
