/** What the reader of a kind gets: the checked spec, and where to report what the shape alone cannot tell. */
import { err, ok, type Result } from "../../kernel/result.ts";
import { parsePattern, type Pattern } from "../pattern.ts";
import type { Origin, Path, Problem } from "./fault.ts";
import type { Kind, SpecOf } from "./schemas.ts";

/** One resource whose shape is right. */
export interface Document<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly spec: SpecOf<K>;
  readonly origin: Origin;
}

/** Collects problems of one resource; the resource is used only if there are none. */
export interface Problems {
  add(problem: Problem): void;
  /** Also reports; the value is never used when anything was reported. */
  patterns(texts: readonly string[], path: Path): readonly Pattern[];
  list(): readonly Problem[];
}

export function createProblems(): Problems {
  const found: Problem[] = [];
  return {
    add: (problem) => found.push(problem),
    patterns: (texts, path) =>
      texts.flatMap((text, index) => {
        const parsed = parsePattern(text);
        if (parsed.ok) return [parsed.value];
        found.push({ path: [...path, index], ...parsed.fault });
        return [];
      }),
    list: () => found,
  };
}

export function settle<T>(problems: Problems, value: T | undefined): Result<T, readonly Problem[]> {
  const found = problems.list();
  return found.length === 0 && value !== undefined ? ok(value) : err(found);
}
