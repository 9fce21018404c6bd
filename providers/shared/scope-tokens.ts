/** The scopes of a template (RFC 6749 §3.3): a list of scope tokens, each with its placeholders. */
import type { Json } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import { parsePlaceholders, type Placeholders } from "./placeholders.ts";
import { scopeTokenSlot } from "./slots.ts";

export interface ScopeTokens {
  readonly names: readonly string[];
  fill(parameters: Readonly<Record<string, Json>>): Result<readonly string[], ScopeFault>;
}

const scopeToken = /^[\u0021\u0023-\u005b\u005d-\u007e]+$/;

export function parseScopeTokens(texts: readonly string[], path: string): Result<ScopeTokens, ScopeFault> {
  const tokens: Placeholders[] = [];
  for (const [index, text] of texts.entries()) {
    const parsed = parsePlaceholders(text);
    if (!parsed.ok) return err({ path: `${path}.${index}`, message: parsed.fault });
    if (!scopeToken.test(text))
      return err({
        path: `${path}.${index}`,
        message: "must be one scope token: printable ASCII without space, quote or backslash",
      });
    tokens.push(parsed.value);
  }
  return ok({
    names: [...new Set(tokens.flatMap(({ names }) => names))],
    fill: (parameters) => fillTokens(tokens, parameters, path),
  });
}

function fillTokens(
  tokens: readonly Placeholders[],
  parameters: Readonly<Record<string, Json>>,
  path: string,
): Result<readonly string[], ScopeFault> {
  const filled = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    const text = token.fill(parameters, scopeTokenSlot);
    if (!text.ok) return err({ path: `${path}.${index}`, message: text.fault });
    filled.add(text.value);
  }
  return ok([...filled]);
}
