/**
 * YAML text to documents with positions. A policy needs plain data only, so everything else of YAML is refused:
 * anchors and aliases (expansion bombs), tags, directives (they bring back YAML 1.1 booleans), duplicate or non-text
 * keys, fractions. Size, depth and count are bounded. Never throws, and never repeats text of the file.
 */
import { LineCounter, parseAllDocuments, type Document } from "yaml";
import type { Json } from "../../kernel/canonical-json.ts";
import type { Origin, Path, PolicyFault, Position } from "./fault.ts";
import { readNode } from "./yaml-node.ts";

export interface PolicyFile {
  readonly path: string;
  readonly text: string;
}

export interface YamlDocument {
  readonly value: Json;
  readonly origin: Origin;
}

/** Far above any hand-written file, small enough to parse in a fraction of a second. */
export const maxFileLength = 1024 * 1024;
const maxDocuments = 2000;

export function readDocuments(file: PolicyFile): { documents: YamlDocument[]; faults: PolicyFault[] } {
  const whole = (message: string, fix: string) => ({
    documents: [],
    faults: [{ file: file.path, line: 1, column: 1, path: "", message, fix }],
  });
  if (file.text.length > maxFileLength)
    return whole(`the file is larger than ${maxFileLength} characters`, "split it into several files");
  const lines = new LineCounter();
  const parsed = parseText(file.text, lines);
  if (parsed === undefined) return whole("the file is nested too deeply", "write it flatter");
  if (parsed.length > maxDocuments)
    return whole(`the file has more than ${maxDocuments} documents`, "split it into several files");
  const documents: YamlDocument[] = [];
  const faults: PolicyFault[] = [];
  for (const document of parsed) {
    const read = readDocument(file.path, document, lines);
    faults.push(...read.faults);
    if (read.document !== undefined) documents.push(read.document);
  }
  return { documents, faults };
}

/** The parser recurses once a level: text that nests thousands of levels exhausts the stack, the only way it throws. */
function parseText(text: string, lineCounter: LineCounter): Document.Parsed[] | undefined {
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter,
      prettyErrors: false,
      logLevel: "silent",
      version: "1.2",
      schema: "core",
      merge: false,
      resolveKnownTags: false,
      stringKeys: true,
      // Duplicates are found while reading, in linear time.
      uniqueKeys: false,
    });
    return [...parsed];
  } catch {
    return undefined;
  }
}

function readDocument(file: string, document: Document.Parsed, lines: LineCounter) {
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults: PolicyFault[] = [];
  const refuse = (offset: number, path: Path, words: Words): void => {
    if (faults.length < maxFaults) faults.push({ file, ...positionOf(offset), path: path.join("."), ...words });
  };
  // Later errors of a broken document mostly follow from its first.
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) refuse(error.pos[0], [], wordsOf(error.code));
  const { yaml, tags } = document.directives;
  if (yaml.explicit === true || Object.keys(tags).some((handle) => handle !== "!!"))
    refuse(document.range[0], [], { message: "has a YAML directive", fix: "remove the line that begins with %" });
  if (faults.length > 0 || document.contents === null) return { document: undefined, faults };
  const offsets = new Map<string, Offsets>();
  const value = readNode(document.contents, { refuse, offsets });
  if (faults.length > 0 || value === null) return { document: undefined, faults };
  const start = document.contents.range?.[0] ?? 0;
  const at = (path: Path, part: "key" | "value"): Position => {
    for (let length = path.length; length > 0; length -= 1) {
      const found = offsets.get(pathKey(path.slice(0, length)));
      if (found !== undefined) return positionOf(length < path.length ? found.key : found[part]);
    }
    return positionOf(start);
  };
  return { document: { value, origin: { file, at } }, faults };
}

/** One broken line can produce an error for every later one. */
const maxFaults = 50;

export interface Offsets {
  readonly key: number;
  readonly value: number;
}

export const pathKey = (path: Path): string => path.join("\n");

export interface Words {
  readonly message: string;
  readonly fix: string;
}

/** The library's own messages quote the file, so its codes are translated. */
function wordsOf(code: string): Words {
  switch (code) {
    case "BAD_ALIAS":
    case "ALIAS_PROPS":
    case "MULTIPLE_ANCHORS":
      return { message: "uses an anchor or alias", fix: "write the value out" };
    case "TAG_RESOLVE_FAILED":
    case "MULTIPLE_TAGS":
      return { message: "uses a YAML tag", fix: "remove the word that begins with !" };
    case "NON_STRING_KEY":
      return { message: "a key is not plain text", fix: "use a plain word as key" };
    case "BAD_DQ_ESCAPE":
      return {
        message: "has an unknown escape in double quotes",
        fix: "use single quotes, or write \\\\ for a backslash",
      };
    case "TAB_AS_INDENT":
      return { message: "is indented with a tab", fix: "indent with spaces" };
    case "BAD_INDENT":
      return { message: "is indented wrongly", fix: "align it with its neighbours" };
    case "MISSING_CHAR":
      return { message: "lacks a closing quote, bracket, comma or colon", fix: "add it, or quote the text" };
    case "BAD_DIRECTIVE":
      return { message: "has a YAML directive", fix: "remove the line that begins with %" };
    default:
      return { message: "is not valid YAML", fix: "check indentation, colons and quotes on this line" };
  }
}
