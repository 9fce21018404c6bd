/**
 * The path of a secret, with placeholders inside its segments. Percent escapes are no protection here: the server
 * decodes `%2F` into a separator before it looks the path up. So a value is of a closed alphabet in which nothing
 * separates, climbs or widens, and the fixed text is held to the same one.
 */
import type { Json } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { parsePlaceholders } from "../shared/placeholders.ts";
import { scopeTokenSlot } from "../shared/slots.ts";

export interface PathTemplate {
  readonly names: readonly string[];
  /** As written, each placeholder an asterisk: names the system behind the path. */
  readonly shape: string;
  fill(parameters: Readonly<Record<string, Json>>): Result<string, string>;
}

/** Part of a target's name, which has 200 characters. */
const maxLength = 128;
const segment = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

export const isFixedPath = (text: string): boolean =>
  text.length <= maxLength && text.split("/").every((one) => segment.test(one));

export function parsePathTemplate(text: string): Result<PathTemplate, string> {
  const parsed = parsePlaceholders(text);
  if (!parsed.ok) return parsed;
  const template = parsed.value;
  const { names, head } = template;
  const sample = template.fill(Object.fromEntries(names.map((name) => [name, "x"])), scopeTokenSlot);
  if (!sample.ok) return sample;
  if (!isFixedPath(sample.value))
    return err("must be a path without a slash at its ends, of segments of letters, digits, _, - and inner dots");
  if (names.length > 0 && !head.includes("/")) return err("may hold placeholders only behind its first segment");
  const shape = text.replaceAll(/\$\{[^}]*\}/g, "*");
  return ok({ names, shape, fill: (parameters) => template.fill(parameters, scopeTokenSlot) });
}
