/**
 * The last good policy, kept beside the ledger. An object is put to rest and woken at any time, and one that could read
 * no policy when it wakes could not kill what the last one made.
 */
import { sha256 } from "../../kernel/digest.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import type { KeptPolicy } from "../load-policy.ts";

/** An object's own storage, or what does the same. */
export interface TextStore {
  get(keys: string[]): Promise<Map<string, unknown>>;
  /** All or none. */
  put(entries: Record<string, string>): Promise<void>;
}

/** One letter is one byte; a value may hold twice as much. */
const pieceLength = 1_000_000;
/** As many values as one call may name, less the head. */
const maxPieces = 127;
const headKey = "policy/head";
const pieceKey = (piece: number): string => `policy/${piece}`;

export const keptPolicy = (store: TextStore): KeptPolicy => ({
  async read() {
    const head = parseHead((await store.get([headKey])).get(headKey));
    if (head === undefined) return undefined;
    const keys = Array.from({ length: head.pieces }, (_, piece) => pieceKey(piece));
    const found = await store.get(keys);
    const text = keys.map((key) => found.get(key)).join("");
    return (await sha256(text)) === head.digest ? parseFiles(text) : undefined;
  },

  async keep(files) {
    const text = asciiJson(files.map(({ path, text: content }) => ({ path, text: content })));
    const digest = await sha256(text);
    if (parseHead((await store.get([headKey])).get(headKey))?.digest === digest) return;
    const pieces = Math.ceil(text.length / pieceLength);
    if (pieces > maxPieces) throw new Error("the policy is too large to be kept");
    const entries: Record<string, string> = { [headKey]: JSON.stringify({ digest, pieces }) };
    for (let piece = 0; piece < pieces; piece += 1)
      entries[pieceKey(piece)] = text.slice(piece * pieceLength, (piece + 1) * pieceLength);
    await store.put(entries);
  },
});

/** So that no piece ends inside a letter. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

function parseHead(stored: unknown): { readonly digest: string; readonly pieces: number } | undefined {
  const head = typeof stored === "string" ? parseJson(stored) : undefined;
  if (typeof head !== "object" || head === null || !("digest" in head) || !("pieces" in head)) return undefined;
  const { digest, pieces } = head;
  return typeof digest === "string" && typeof pieces === "number" && pieces <= maxPieces
    ? { digest, pieces }
    : undefined;
}

function parseFiles(text: string): readonly PolicyFile[] | undefined {
  const files = parseJson(text);
  return Array.isArray(files) && files.every(isFile) ? files : undefined;
}

const isFile = (value: unknown): value is PolicyFile =>
  typeof value === "object" &&
  value !== null &&
  "path" in value &&
  typeof value.path === "string" &&
  "text" in value &&
  typeof value.text === "string";

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
