/**
 * The closed alphabet of a string parameter, written as letters and ranges: `a-z0-9_-`. Printable ASCII only, so that
 * look-alike letters cannot enter a scope. A `-` at the start or the end stands for itself.
 */
import { err, ok, type Result } from "../kernel/result.ts";

const maxTextLength = 64;

/** Every letter of the alphabet, each once, or why the text is none. */
export function parseAlphabet(text: string): Result<string, string> {
  if (text === "" || text.length > maxTextLength) return err(`must have 1 to ${maxTextLength} characters`);
  const letters = new Set<string>();
  for (let index = 0; index < text.length; index += 1) {
    const first = text.charCodeAt(index);
    const isRange = text.charAt(index + 1) === "-" && index + 2 < text.length;
    const last = isRange ? text.charCodeAt(index + 2) : first;
    if (!isPrintable(first) || !isPrintable(last)) return err("must be printable ASCII without spaces");
    if (last < first) return err(`has a range that runs backwards: ${text.slice(index, index + 3)}`);
    for (let unit = first; unit <= last; unit += 1) letters.add(String.fromCharCode(unit));
    if (isRange) index += 2;
  }
  return ok([...letters].join(""));
}

const isPrintable = (unit: number): boolean => unit > 0x20 && unit < 0x7f;
