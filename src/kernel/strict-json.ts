/**
 * JSON that every parser reads alike (RFC 8259 §4): a member name twice is refused, because two parsers may each take
 * another value; so are nesting that could exhaust the stack of whatever walks the value later, text that is no
 * Unicode, and the name `__proto__`, a trap for code that copies members.
 */
import type { Json } from "./canonical-json.ts";
import { maxJsonDepth } from "./limits.ts";
import { err, ok, type Result } from "./result.ts";

/** `message` ends a sentence about the text and never repeats it. */
export interface StrictJsonFault {
  readonly message: string;
}

export function parseStrictJson(text: string): Result<Json, StrictJsonFault> {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return err({ message: "is not JSON" });
  }
  const message = problemOf(text);
  return message === undefined ? ok(value) : err({ message });
}

/** Walks text that is known to be JSON, looking at names, strings and depth only. */
function problemOf(text: string): string | undefined {
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
        const problem = problemOfString(text.slice(at, end + 1), nameIsNext ? open.at(-1) : null);
        if (problem !== undefined) return problem;
        nameIsNext = false;
        at = end;
        break;
      }
    }
    if (open.length > maxJsonDepth) return `is nested deeper than ${maxJsonDepth} levels`;
  }
  return undefined;
}

/** `names` are those of the object whose member this literal names; null for a value. */
function problemOfString(literal: string, names: Set<string> | null | undefined): string | undefined {
  const value = literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
  if (!value.isWellFormed()) return "holds text that is not Unicode";
  if (names === null || names === undefined) return undefined;
  if (value === "__proto__") return "has a member called __proto__";
  if (names.has(value)) return "has the same member twice";
  names.add(value);
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
