/**
 * Placeholders `${parameters.NAME}` in the texts of a scope. A text is parsed once, at policy load; filling it joins
 * fixed pieces with values that their slot encoded. Values are never parsed again, so a value that looks like a
 * placeholder is just text.
 */
import type { Json } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import type { Slot } from "./slots.ts";

export interface Placeholders {
  /** Parameter names, each once. */
  readonly names: readonly string[];
  /** The text before the first placeholder; all of it where there is none. */
  readonly head: string;
  fill(parameters: Readonly<Record<string, Json>>, slot: Slot): Result<string, string>;
}

type Piece = { readonly text: string } | { readonly parameter: string };

const maxTextLength = 1024;
const placeholder = /\$\{parameters\.([A-Za-z][A-Za-z0-9_]{0,62})\}/;

export function parsePlaceholders(text: string): Result<Placeholders, string> {
  if (text === "") return err("must not be empty");
  if (text.length > maxTextLength) return err(`must have at most ${maxTextLength} characters`);
  // A split by a pattern with one group alternates text, name, text, name ... text.
  const pieces = text
    .split(placeholder)
    .map((part, at): Piece => (at % 2 === 0 ? { text: part } : { parameter: part }));
  const stray = pieces.some((piece) => "text" in piece && /[${}]/.test(piece.text));
  if (stray) return err("may use $, { and } only in ${parameters.NAME}");
  const names = new Set(pieces.flatMap((piece) => ("parameter" in piece ? [piece.parameter] : [])));
  const [first] = pieces;
  return ok({
    names: [...names],
    head: first !== undefined && "text" in first ? first.text : "",
    fill: (parameters, slot) => fillPieces(pieces, parameters, slot),
  });
}

function fillPieces(
  pieces: readonly Piece[],
  parameters: Readonly<Record<string, Json>>,
  slot: Slot,
): Result<string, string> {
  let text = "";
  for (const piece of pieces) {
    if ("text" in piece) {
      text += piece.text;
      continue;
    }
    const value = Object.hasOwn(parameters, piece.parameter) ? textOf(parameters[piece.parameter]) : undefined;
    if (value === undefined) return err(`needs the parameter ${piece.parameter} as a text, whole number or boolean`);
    const encoded = slot(value);
    if (!encoded.ok) return err(`the parameter ${piece.parameter} ${encoded.fault}`);
    text += encoded.value;
  }
  return ok(text);
}

function textOf(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || (typeof value === "number" && Number.isSafeInteger(value))) return String(value);
  return undefined;
}
