/** One YAML node to JSON, noting where every member stands. Refuses what canonical JSON or a safe policy cannot hold. */
import { isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from "yaml";
import type { Json } from "../../kernel/canonical-json.ts";
import type { Path } from "./fault.ts";
import { pathKey, type Offsets, type Words } from "./yaml-documents.ts";

interface Reading {
  refuse(offset: number, path: Path, words: Words): void;
  readonly offsets: Map<string, Offsets>;
}

const maxDepth = 32;

export function readNode(node: unknown, reading: Reading, path: Path = []): Json {
  const offset = offsetOf(node);
  const problem = problemOfNode(node, path.length);
  if (problem !== undefined) {
    reading.refuse(offset, path, problem);
    return null;
  }
  if (isMap(node)) return readMap(node, reading, path);
  if (isSeq(node)) return node.items.map((item, index) => readMember(item, item, reading, [...path, index]));
  if (!isScalar(node)) return null;
  return readScalar(node.value, (words) => reading.refuse(offset, path, words));
}

function readMember(key: unknown, value: unknown, reading: Reading, path: Path): Json {
  const keyOffset = offsetOf(key);
  reading.offsets.set(pathKey(path), { key: keyOffset, value: value === null ? keyOffset : offsetOf(value) });
  return readNode(value, reading, path);
}

function readMap(map: YAMLMap, reading: Reading, path: Path): Json {
  const members = new Map<string, Json>();
  for (const pair of map.items) {
    const name = nameOf(pair);
    const offset = offsetOf(pair.key);
    const inner = [...path, name ?? "?"];
    if (name === undefined)
      reading.refuse(offset, path, { message: "a key is not plain text", fix: "use a plain word as key" });
    else if (members.has(name)) reading.refuse(offset, inner, { message: "is written twice", fix: "keep one of them" });
    else members.set(name, readMember(pair.key, pair.value, reading, inner));
  }
  return Object.fromEntries(members);
}

function nameOf(pair: Pair): string | undefined {
  const key = pair.key;
  if (!isScalar(key) || typeof key.value !== "string" || key.anchor !== undefined || key.tag !== undefined)
    return undefined;
  return key.value === "__proto__" || hasForbiddenCharacter(key.value, "") ? undefined : key.value;
}

function problemOfNode(node: unknown, depth: number): Words | undefined {
  if (depth > maxDepth) return { message: "is nested too deeply", fix: "write it flatter" };
  if (isAlias(node)) return { message: "uses an anchor or alias", fix: "write the value out" };
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return undefined;
  if (node.anchor !== undefined) return { message: "uses an anchor or alias", fix: "write the value out" };
  return node.tag === undefined ? undefined : { message: "uses a YAML tag", fix: "remove the word that begins with !" };
}

function readScalar(value: unknown, refuse: (words: Words) => void): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (!hasForbiddenCharacter(value, "\n\t")) return value;
    refuse({ message: "holds a control character", fix: "remove it" });
    return null;
  }
  if (typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0)) return value;
  refuse({ message: "is not a whole number", fix: "write a whole number, or quote it as text" });
  return null;
}

function hasForbiddenCharacter(text: string, allowed: string): boolean {
  for (const letter of text) {
    const unit = letter.codePointAt(0) ?? 0;
    const isSurrogate = unit >= 0xd800 && unit <= 0xdfff;
    if (((unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) && !allowed.includes(letter)) || isSurrogate) return true;
  }
  return false;
}

const offsetOf = (node: unknown): number =>
  isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
