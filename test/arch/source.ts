/** Reads and parses the repository's own source files for the rules beside this file. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "vite";

export const root = join(import.meta.dirname, "../..");

export interface SourceFile {
  /** Path from the repository root, with forward slashes. */
  path: string;
  text: string;
  program: Node;
}

/** A syntax node (ESTree): a `type`, a position, and whatever that type holds. */
export type Node = Record<string, unknown> & { type: string; start: number };

export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  return { path, text, program: program as unknown as Node };
}

/** All source files under these folders of the repository. */
export function readSources(...folders: string[]): SourceFile[] {
  const paths = globSync(
    folders.map((folder) => `${folder}/**/*.{ts,mts,mjs,js}`),
    { cwd: root },
  );
  return paths
    .toSorted()
    .map((path) => parseSource(path.replaceAll("\\", "/"), readFileSync(join(root, path), "utf8")));
}

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";

/** Every node of the tree, parents first. */
export function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) yield* nodesOf(child);
    }
  }
}

export const lineAt = (source: SourceFile, position: number): number =>
  source.text.slice(0, position).split("\n").length;
