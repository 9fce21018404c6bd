/**
 * A JSON object that every parser reads alike. A doubled member name is refused, because the parser that signed and
 * the one that decides may each take another value (RFC 7515 §4, RFC 8725 §2.4); so is nesting that could exhaust
 * the stack of whatever walks the object later.
 */
import type { JsonObject } from "../kernel/canonical-json.ts";
import { maxJsonDepth } from "../kernel/limits.ts";

export function parseJsonObject(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return isUnambiguous(text) ? (value as JsonObject) : undefined;
}

/** Walks text that is known to be JSON, looking at member names and depth only. */
function isUnambiguous(text: string): boolean {
  /** The names seen in each open object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let nameIsNext = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charAt(at)) {
      case "{":
        open.push(new Set());
        nameIsNext = true;
        break;
      case "[":
        open.push(null);
        nameIsNext = false;
        break;
      case "}":
      case "]":
        open.pop();
        nameIsNext = false;
        break;
      case ",":
        nameIsNext = Boolean(open.at(-1));
        break;
      case '"': {
        const end = endOfString(text, at);
        if (nameIsNext && !isNewName(text.slice(at, end + 1), open.at(-1))) return false;
        nameIsNext = false;
        at = end;
        break;
      }
    }
    if (open.length > maxJsonDepth) return false;
  }
  return true;
}

/** `__proto__` is no claim of anyone, but it is a trap for code that copies members. */
function isNewName(literal: string, seen: Set<string> | null | undefined): boolean {
  const name = literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
  if (name === "__proto__" || seen?.has(name)) return false;
  seen?.add(name);
  return true;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
