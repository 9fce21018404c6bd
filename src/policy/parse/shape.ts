/** Checks a document against a shape and tells each difference in our words: where, what, and what to do. */
import { z } from "zod";
import type { Json } from "../../kernel/canonical-json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { suggest } from "../suggest.ts";
import type { Path, Problem } from "./fault.ts";

export function readShape<S extends z.ZodType>(
  shape: S,
  value: Json | undefined,
  base: Path,
): Result<z.output<S>, readonly Problem[]> {
  const parsed = shape.safeParse(value, { reportInput: true });
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.flatMap((issue) => problemsOf(issue, shape, base)));
}

function problemsOf(issue: z.core.$ZodIssue, shape: z.ZodType, base: Path): Problem[] {
  const inner = issue.path.filter((step) => typeof step !== "symbol");
  const path = [...base, ...inner];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(shapeAt(shape, inner));
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: "key",
      message: "is not a known field",
      fix: `${suggest(key, known)}known here: ${known.join(", ")}`,
    }));
  }
  if (issue.input === undefined && issue.code !== "custom")
    return [{ path, part: "key", message: "is missing", fix: `add ${String(path.at(-1) ?? "it")}` }];
  return [{ path, ...wordsOf(issue) }];
}

function wordsOf(issue: z.core.$ZodIssue): { message: string; fix: string } {
  if (issue.code === "invalid_type")
    return { message: `must be ${typeNames[issue.expected] ?? issue.expected}`, fix: "change the value" };
  if (issue.code !== "invalid_value") return { message: issue.message, fix: "change the value" };
  const known = issue.values.map(String);
  const typed = typeof issue.input === "string" ? issue.input : "";
  return { message: "is not a known value", fix: `${suggest(typed, known)}known here: ${known.join(", ")}` };
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

/** The part of a shape that a path leads to, through defaults and options. */
function shapeAt(shape: unknown, path: Path): unknown {
  let current = bare(shape);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = bare(current.shape[String(step)]);
    else if (current instanceof z.ZodArray) current = bare(current.element);
    else if (current instanceof z.ZodRecord) current = bare(current.valueType);
    else return undefined;
  }
  return current;
}

function bare(shape: unknown): unknown {
  let current = shape;
  while (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodPrefault)
    current = current.unwrap();
  return current;
}

const knownKeys = (shape: unknown): string[] => (shape instanceof z.ZodObject ? Object.keys(shape.shape) : []);
