/** The first thing wrong with a body, in words for its sender. Names members, never repeats a value. */
import type { z } from "zod";

const maxMessageLength = 160;

export function explainIssue(error: z.ZodError, value: unknown): string {
  const issue = error.issues[0];
  if (issue === undefined) return "the body is not what this endpoint takes";
  const place = issue.path.length === 0 ? "the body" : issue.path.join(".");
  return sentence(issue, place, value).slice(0, maxMessageLength);
}

function sentence(issue: z.core.$ZodIssue, place: string, value: unknown): string {
  if (issue.code === "unrecognized_keys") return `${place} has an unknown member: ${issue.keys.join(", ")}`;
  if (issue.path.length > 0 && memberAt(value, issue.path) === undefined) return `${place} is missing`;
  return `${place} is not right: ${issue.message.replace(/^Invalid (input|option|string): /, "")}`;
}

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let member = value;
  for (const key of path) {
    if (typeof member !== "object" || member === null) return undefined;
    member = Reflect.get(member, key);
  }
  return member;
}
