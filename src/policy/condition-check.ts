/**
 * What a condition may call and name: an allow-list walked over the parsed expression. Members are checked here and not
 * only by the type checker, because that one lets `has(task.contxt)` pass, which is then always false.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { suggest } from "./suggest.ts";

const functions = ["has", "size", "int", "double", "string", "timestamp", "duration"];
const comprehensions = ["all", "exists", "exists_one"];
const methods = [
  ...comprehensions,
  "size",
  "startsWith",
  "endsWith",
  "contains",
  "getFullYear",
  "getMonth",
  "getDate",
  "getDayOfMonth",
  "getDayOfWeek",
  "getDayOfYear",
  "getHours",
  "getMinutes",
  "getSeconds",
];

const fixes: Readonly<Record<string, string>> = {
  matches: "use startsWith, endsWith, ==, or `in [...]`; regular expressions are not supported",
  lowerAscii: "compare with the exact text; letters of other scripts fold onto ASCII",
  upperAscii: "compare with the exact text; letters of other scripts fold onto ASCII",
  trim: "compare with the exact text",
  map: "use all, exists or exists_one",
  filter: "use exists",
  split: "use startsWith, endsWith or contains",
  bind: "write the expression out",
};

export interface ExpressionProblem {
  readonly message: string;
  readonly fix: string;
}

/** Members of the known names; a name that is left out has members of any name. */
export type KnownMembers = ReadonlyMap<string, readonly string[]>;

/** Iterative, so that a deep expression cannot exhaust the stack. */
export function problemOfExpression(root: ASTNode, members: KnownMembers): ExpressionProblem | undefined {
  const pending: { node: ASTNode; inside: boolean }[] = [{ node: root, inside: false }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, inside } = next;
    const name = calledBy(node);
    const problem =
      name === undefined ? problemOfMember(node, members) : problemOfCall(name, node.op === "call", inside);
    if (problem !== undefined) return problem;
    const within = inside || (node.op === "rcall" && comprehensions.includes(node.args[0]));
    for (const child of childrenOf(node.args)) pending.push({ node: child, inside: within });
  }
  return undefined;
}

const calledBy = (node: ASTNode): string | undefined =>
  node.op === "call" || node.op === "rcall" ? node.args[0] : undefined;

function problemOfMember(node: ASTNode, members: KnownMembers): ExpressionProblem | undefined {
  if (node.op !== "." || node.args[0].op !== "id") return undefined;
  const owner = node.args[0].args;
  const known = members.get(owner);
  const member = node.args[1];
  if (known === undefined || known.includes(member)) return undefined;
  const fix = known.length === 0 ? `declare it under spec.${owner}` : `known here: ${known.join(", ")}`;
  return { message: `${owner} has no member ${member}`, fix: `${suggest(member, known)}${fix}` };
}

function problemOfCall(name: string, isGlobal: boolean, inside: boolean): ExpressionProblem | undefined {
  const allowed = isGlobal ? functions : methods;
  if (!allowed.includes(name)) {
    const fix = Object.hasOwn(fixes, name) ? fixes[name] : undefined;
    return {
      message: `the function ${name} is not available`,
      fix: fix ?? `${suggest(name, allowed)}available: ${allowed.join(", ")}`,
    };
  }
  if (inside && comprehensions.includes(name))
    return {
      message: `${name} may not be nested in another list function`,
      fix: "write two conditions joined with &&, or use `in`",
    };
  return undefined;
}

function childrenOf(args: unknown): ASTNode[] {
  if (isNode(args)) return [args];
  return Array.isArray(args) ? args.flatMap(childrenOf) : [];
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === "object" && value !== null && "op" in value && "args" in value;
