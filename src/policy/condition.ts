/**
 * `when` and `denyWhen`: CEL expressions, compiled once at load and evaluated against one view of the request.
 *
 * Only an allow-list of functions is accepted. Left out: `matches` (its regular expressions can take seconds on a
 * short text), case folding (other letters fold onto ASCII), and everything that multiplies work: nested
 * comprehensions, `bind`, `map`, `filter`, `split`. So the cost of one evaluation is bounded by the expression's size
 * times the bounded view. An error is never a yes: it refuses in `when` and denies in `denyWhen`.
 */
import { Environment, type ASTNode } from "@marcbachmann/cel-js";
import { err, ok, type Result } from "../kernel/result.ts";
import { problemOfExpression, type KnownMembers } from "./condition-check.ts";
import { viewTypes, type ConditionView } from "./condition-view.ts";
import type { Parameter, ParameterSchema } from "./parameters.ts";

export interface Condition {
  readonly text: string;
  evaluate(view: ConditionView): ConditionOutcome;
}

/** `error.detail` is made of the policy's own text and our words, never of values. */
export type ConditionOutcome =
  | { readonly kind: "yes" }
  | { readonly kind: "no" }
  | { readonly kind: "error"; readonly detail: string };

export interface ConditionFault {
  readonly message: string;
  readonly fix: string;
}

/** The names of one template's, or of every guardrail's, conditions. */
export interface ConditionNames {
  compile(text: string): Result<Condition, ConditionFault>;
}

const maxTextLength = 2000;
const limits = { maxAstNodes: 256, maxDepth: 24, maxListElements: 64, maxMapEntries: 16, maxCallArguments: 4 };

const shared = new Environment({ limits })
  .registerVariable({ name: "identity", schema: viewTypes.identity })
  .registerVariable({ name: "agent", schema: viewTypes.agent })
  .registerVariable({ name: "task", schema: viewTypes.task })
  .registerVariable({ name: "request", schema: viewTypes.request })
  .registerVariable("now", "google.protobuf.Timestamp");

/** Null: conditions over any template, where parameters are looked up without a type. */
export function conditionNames(schema: ParameterSchema | null): ConditionNames {
  const environment = shared.clone();
  if (schema === null) environment.registerVariable("parameters", "map");
  else environment.registerVariable({ name: "parameters", schema: typesOf(schema) });
  const members = new Map<string, readonly string[]>(sharedMembers);
  if (schema !== null) members.set("parameters", [...schema.keys()]);
  return { compile: (text) => compile(text, environment, members) };
}

const sharedMembers = Object.entries(viewTypes).map(([name, types]) => [name, Object.keys(types)] as const);

const typesOf = (schema: ParameterSchema): Record<string, string> =>
  Object.fromEntries([...schema].map(([name, parameter]) => [name, celTypeOf(parameter)]));

function celTypeOf(parameter: Parameter): string {
  if (parameter.kind === "integer") return "int";
  return parameter.kind === "boolean" ? "bool" : "string";
}

function compile(text: string, environment: Environment, members: KnownMembers): Result<Condition, ConditionFault> {
  if (text.length > maxTextLength)
    return err({ message: `the condition is longer than ${maxTextLength} characters`, fix: "shorten it, or split it" });
  try {
    const program = environment.parse(text);
    const problem = problemOfExpression(program.ast, members);
    if (problem !== undefined) return err(problem);
    const check = program.check();
    if (!check.valid) return err(faultOf(check.error));
    if (check.type !== "bool" && check.type !== "dyn")
      return err({
        message: `the condition gives ${check.type ?? "no"}, not true or false`,
        fix: "compare it with a value",
      });
    return ok({ text, evaluate: (view) => evaluate(program, view) });
  } catch (error) {
    return err(faultOf(error));
  }
}

function evaluate(program: (view: Record<string, unknown>) => unknown, view: ConditionView): ConditionOutcome {
  if (view === undefined) return { kind: "error", detail: "claims, context or parameters are too large" };
  try {
    const answer = program(view);
    if (answer === true) return { kind: "yes" };
    return answer === false ? { kind: "no" } : { kind: "error", detail: "the answer is not true or false" };
  } catch (error) {
    const { code, excerpt } = readCelError(error);
    return { kind: "error", detail: excerpt === "" ? code : `${code} at \`${excerpt}\`` };
  }
}

/** At load every word of the library's message comes from the policy file itself. */
function faultOf(error: unknown): ConditionFault {
  const { code, summary, excerpt } = readCelError(error);
  return { message: excerpt === "" ? summary : `${summary}, at \`${excerpt}\``, fix: fixes[code] ?? generalFix };
}

const known = "identity, agent, task, parameters, request, now";
const generalFix = "see CEL's language definition; strings are quoted inside the expression";
const fixes: Readonly<Record<string, string>> = {
  unknown_variable: `use one of ${known}; quote text`,
  no_such_overload: "compare values of one type",
  no_matching_overload: "check the function's name and the types of its arguments",
  reserved_identifier: `use one of ${known}`,
};

/** The library throws its own errors; anything else is a bug of ours and goes on. */
function readCelError(error: unknown): { code: string; summary: string; excerpt: string } {
  if (!(error instanceof Error)) throw error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "evaluation_failed";
  const summary = "summary" in error && typeof error.summary === "string" ? error.summary : "cannot be evaluated";
  return { code, summary, excerpt: excerptOf(error) };
}

function excerptOf(error: Error): string {
  if (!("node" in error) || typeof error.node !== "object" || error.node === null) return "";
  const { input, start, end } = error.node as Partial<ASTNode>;
  if (input === undefined || start === undefined || end === undefined) return "";
  return input
    .slice(start, Math.max(end, start + 1))
    .slice(0, 80)
    .replaceAll(/\s+/g, " ");
}
