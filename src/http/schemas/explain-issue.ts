/**
 * The first thing wrong with a body, for its sender: which member, what is wrong with it, what is allowed. In our words,
 * never the validator's; names members, never repeats a value.
 */
import * as z from "zod";
import { unreachable } from "../../kernel/unreachable.ts";
import { invalidMember, type HttpFault, type MemberFault } from "../request-fault.ts";

interface Explained {
  readonly why: MemberFault;
  /** Ends a sentence that begins with the member. */
  readonly text: string;
}

/** `schema` is the one that refused `value`. */
export function explainIssue(error: z.ZodError, value: unknown, schema: z.ZodType): HttpFault {
  const [first] = error.issues;
  if (first === undefined) return invalidMember("", "not_allowed", "is not what this endpoint takes");
  // Of several about one member the last is the narrowest: first what any number must be, then what this one must be.
  const isOfSame = ({ code, path }: z.core.$ZodIssue): boolean =>
    code === first.code && path.join(".") === first.path.join(".");
  const issue = error.issues.findLast(isOfSame) ?? first;
  if (issue.code === "unrecognized_keys") {
    const member = [...issue.path, issue.keys[0] ?? ""].join(".");
    return invalidMember(member, "unknown_member", `is not known here${knownAt(schema, issue.path)}`);
  }
  const { why, text } = explain(issue);
  const isMissing = issue.path.length > 0 && memberAt(value, issue.path) === undefined;
  const member = issue.path.join(".");
  return isMissing ? invalidMember(member, "missing", `is missing; it ${text}`) : invalidMember(member, why, text);
}

type OtherIssue = Exclude<z.core.$ZodIssue, z.core.$ZodIssueUnrecognizedKeys>;

function explain(issue: OtherIssue): Explained {
  switch (issue.code) {
    case "invalid_type":
      return { why: "wrong_type", text: `must be ${typeWords[issue.expected] ?? "of another type"}` };
    case "invalid_value":
      return { why: "not_allowed", text: oneOf(issue.values.map(String)) };
    case "invalid_union":
      return { why: "not_allowed", text: oneOf(optionsOf(issue)) };
    case "too_small":
      return { why: "out_of_range", text: bound(issue.origin, "at least", Number(issue.minimum)) };
    case "too_big":
      return { why: "out_of_range", text: bound(issue.origin, "at most", Number(issue.maximum)) };
    case "custom":
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_key":
    case "invalid_element":
      // Schemas say these in words of their own.
      return { why: "wrong_form", text: issue.message };
    default:
      return unreachable(issue);
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  // A fraction is refused wherever a number is taken.
  number: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

function bound(origin: string, which: string, limit: number): string {
  if (origin === "string") return `must have ${which} ${limit} characters`;
  return origin === "array" ? `must hold ${which} ${limit} entries` : `must be ${which} ${limit}`;
}

const oneOf = (values: readonly string[]): string =>
  values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`;

const optionsOf = (issue: z.core.$ZodIssueInvalidUnion): string[] =>
  "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];

/** What the object at this place takes, as far as its shape does not depend on a member of its own. */
function knownAt(schema: z.ZodType, path: readonly PropertyKey[]): string {
  let current: unknown = schema;
  for (const key of path) {
    const outer = bare(current);
    if (outer instanceof z.ZodObject) current = outer.shape[String(key)];
    else current = outer instanceof z.ZodArray ? outer.element : undefined;
  }
  const found = bare(current);
  return found instanceof z.ZodObject ? `; known are ${Object.keys(found.shape).join(", ")}` : "";
}

const bare = (schema: unknown): unknown => (schema instanceof z.ZodOptional ? schema.unwrap() : schema);

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let member = value;
  for (const key of path) {
    if (typeof member !== "object" || member === null) return undefined;
    member = Reflect.get(member, key);
  }
  return member;
}
