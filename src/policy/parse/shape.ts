/** Checks a document against a shape and tells each difference in our words: where, what, and what to do. */
import * as z from "zod";
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
  if (issue.code === "invalid_type") {
    const [message, fix] = typeWords[issue.expected] ?? [`must be ${issue.expected}`, correct];
    return { message, fix };
  }
  if (issue.code === "invalid_value") {
    const known = issue.values.map(String);
    const typed = typeof issue.input === "string" ? issue.input : "";
    return { message: "is not a known value", fix: `${suggest(typed, known)}known here: ${known.join(", ")}` };
  }
  if (issue.code === "too_small") return { message: issue.message, fix: raise[issue.origin] ?? correct };
  if (issue.code === "too_big") return { message: issue.message, fix: lower[issue.origin] ?? correct };
  if (issue.code === "invalid_union") return { message: issue.message, fix: "write one value" };
  const fix: unknown = issue.code === "custom" ? issue.params?.["fix"] : undefined;
  return { message: issue.message, fix: typeof fix === "string" ? fix : correct };
}

const correct = "correct the value";
const raise: Readonly<Record<string, string>> = { array: "add one", string: "write something", number: "raise it" };
const lower: Readonly<Record<string, string>> = { array: "remove some", string: "shorten it", number: "lower it" };
const wholeNumber = ["must be a whole number", "write digits without quotes"] as const;
const mapping = ["must be a mapping", "write `name: value` lines below it"] as const;
const typeWords: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  string: ["must be text", "write text, in quotes where it could be taken for something else"],
  int: wholeNumber,
  number: wholeNumber,
  boolean: ["must be true or false", "write true or false without quotes"],
  object: mapping,
  record: mapping,
  array: ["must be a list", "write it as [a, b]"],
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
