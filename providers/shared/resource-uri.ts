/**
 * The audience or resource of a scope: a plain name, or an absolute URI (RFC 8707 §2: no fragment). Placeholders may
 * stand only behind the authority of a URL, where each is one path segment or query value.
 */
import type { Json } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { parsePlaceholders } from "./placeholders.ts";
import { pathSegmentSlot } from "./slots.ts";

export interface ResourceUri {
  readonly names: readonly string[];
  /** The whole text where no placeholder is in it. */
  readonly fixed: string | undefined;
  fill(parameters: Readonly<Record<string, Json>>): Result<string, string>;
}

export function parseResourceUri(text: string, kind: "uri" | "uri-or-name"): Result<ResourceUri, string> {
  const parsed = parsePlaceholders(text);
  if (!parsed.ok) return parsed;
  const template = parsed.value;
  const { names, head } = template;
  if (names.length > 0 && !/^https?:\/\/[^/?#]+\//.test(head))
    return err("may hold placeholders only in the path or query of an http or https URL");
  // A value behind a literal `%` would complete an escape that its own encoding cannot see.
  if (names.length > 0 && text.includes("%")) return err("may not mix placeholders and percent escapes");
  const sample = template.fill(Object.fromEntries(names.map((name) => [name, "x"])), pathSegmentSlot);
  if (!sample.ok) return sample;
  if (/[#\s"<>\\^`|]/.test(sample.value)) return err("must not hold a fragment, white space or quotes");
  const isName = kind === "uri-or-name" && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(sample.value);
  if (!isName && !URL.canParse(sample.value))
    return err(kind === "uri" ? "must be an absolute URI" : "must be an absolute URI or a plain name");
  return ok({
    names,
    fixed: names.length === 0 ? text : undefined,
    fill: (parameters) => template.fill(parameters, pathSegmentSlot),
  });
}
