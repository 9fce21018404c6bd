/**
 * The statements of a template's scope: always Allow, each with its actions, its resources and conditions. Parameters
 * stand in resources and condition values only, never next to a wildcard, which would widen them.
 */
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { Json, JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok, type Result } from "../../src/kernel/result.ts";
import { readMembers } from "../shared/members.ts";
import { parsePlaceholders, type Placeholders } from "../shared/placeholders.ts";
import { problemOfAction } from "./actions.ts";
import { policySlot } from "./policy-slot.ts";

export interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Operator, then key, then values. */
  readonly conditions: Conditions<string>;
}
export interface StatementTemplate {
  readonly actions: readonly string[];
  readonly resources: readonly Placeholders[];
  readonly conditions: Conditions<Placeholders>;
}
type Conditions<T> = Readonly<Record<string, Readonly<Record<string, readonly T[]>>>>;
type Parameters = Readonly<Record<string, Json>>;

/** Without the date operators: the deadline is the broker's own. */
const operators = new Set(
  [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "ArnEquals",
    "ArnLike",
    "Bool",
    "IpAddress",
  ].concat(["NotIpAddress", "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "Null"]),
);
const conditionKey = /^[a-z][a-z0-9-]*:[A-Za-z0-9/:._-]{1,128}$/;
const maxStatements = 8;

export function parseStatements(value: Json | undefined): Result<readonly StatementTemplate[], ScopeFault> {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxStatements)
    return err({ path: "statements", message: `must be a list of 1 to ${maxStatements} statements` });
  const statements: StatementTemplate[] = [];
  for (const [index, one] of (value as readonly Json[]).entries()) {
    const statement = isObject(one) ? parseStatement(one) : err({ path: "", message: "must be a statement" });
    if (!statement.ok) return err(below(`statements.${index}`, statement.fault));
    statements.push(statement.value);
  }
  return ok(statements);
}

function parseStatement(value: JsonObject): Result<StatementTemplate, ScopeFault> {
  const { conditions: rawConditions = {}, ...rest } = value;
  const members = readMembers(rest);
  const actions = members.texts("actions") ?? members.refuse("actions", "must list at least one action") ?? [];
  const resources = members.texts("resources") ?? members.refuse("resources", "must list at least one resource") ?? [];
  for (const [index, action] of actions.entries()) {
    const problem = problemOfAction(action);
    if (problem !== undefined) members.refuse(`actions.${index}`, problem);
  }
  const read = members.done(() => undefined);
  if (!read.ok) return read;
  const parsed = parseTexts(resources, "resources", problemOfResource);
  if (!parsed.ok) return parsed;
  const conditions = parseConditions(rawConditions);
  return conditions.ok ? ok({ actions, resources: parsed.value, conditions: conditions.value }) : conditions;
}

function parseConditions(value: Json): Result<Conditions<Placeholders>, ScopeFault> {
  if (!isObject(value)) return err({ path: "conditions", message: "must be operators with their keys and values" });
  const conditions: Record<string, Record<string, readonly Placeholders[]>> = {};
  for (const [operator, keys] of Object.entries(value)) {
    const path = `conditions.${operator}`;
    if (!operators.has(operator.replace(/IfExists$/, "")) || !isObject(keys))
      return err({ path, message: `must be one of ${[...operators].join(", ")}, with keys and values` });
    for (const [key, texts] of Object.entries(keys)) {
      const list = Array.isArray(texts) ? (texts as readonly Json[]) : [texts];
      const values = list.filter((text): text is string => typeof text === "string" && text !== "");
      if (!conditionKey.test(key) || values.length === 0 || values.length !== list.length)
        return err({ path: `${path}.${key}`, message: "must be a condition key with one text or a list of texts" });
      const parsed = parseTexts(values, `${path}.${key}`, () => undefined);
      if (!parsed.ok) return parsed;
      (conditions[operator] ??= {})[key] = parsed.value;
    }
  }
  return ok(conditions);
}

function parseTexts(
  texts: readonly string[],
  path: string,
  problemOf: (text: string) => string | undefined,
): Result<readonly Placeholders[], ScopeFault> {
  const parsed: Placeholders[] = [];
  for (const [index, text] of texts.entries()) {
    const placeholders = parsePlaceholders(text);
    const problem = placeholders.ok ? (problemOf(text) ?? problemOfText(text)) : placeholders.fault;
    if (!placeholders.ok || problem !== undefined)
      return err({ path: `${path}.${index}`, message: problem ?? "cannot be read" });
    parsed.push(placeholders.value);
  }
  return ok(parsed);
}

const problemOfResource = (text: string): string | undefined =>
  text === "*" || /^arn:[a-z-]+:[a-z0-9-]+:/.test(text)
    ? undefined
    : "must be * or an ARN whose service is written out";

/** What follows a value must end it: `tenant-${p}*` would take the tenants whose names begin alike. */
function problemOfText(text: string): string | undefined {
  if (!/^[\u0020-\u007e]+$/.test(text)) return "must be printable ASCII";
  return /\}[*?]|[*?]\$\{/.test(text) ? "must keep a / or : between a parameter and a wildcard" : undefined;
}

export const placeholdersOf = (statements: readonly StatementTemplate[]): readonly string[] => [
  ...new Set(statements.flatMap((statement) => textsOf(statement).flatMap(({ names }) => names))),
];

const textsOf = ({ resources, conditions }: StatementTemplate): readonly Placeholders[] => [
  ...resources,
  ...Object.values(conditions).flatMap((keys) => Object.values(keys).flat()),
];

export function fillStatements(
  templates: readonly StatementTemplate[],
  parameters: Parameters,
): Result<readonly Statement[], ScopeFault> {
  let fault: ScopeFault | undefined;
  const fill = (path: string, texts: readonly Placeholders[]): readonly string[] =>
    texts.map((text, index) => {
      const filled = text.fill(parameters, policySlot);
      if (filled.ok) return filled.value;
      fault ??= { path: `${path}.${index}`, message: filled.fault };
      return "";
    });
  const statements = templates.map(({ actions, resources, conditions }, index): Statement => {
    const path = `statements.${index}`;
    const filledConditions = Object.entries(conditions).map(([operator, keys]) => {
      const filled = Object.entries(keys).map(([key, texts]) => [
        key,
        fill(`${path}.conditions.${operator}.${key}`, texts),
      ]);
      return [operator, Object.fromEntries(filled)];
    });
    return {
      actions,
      resources: fill(`${path}.resources`, resources),
      conditions: Object.fromEntries(filledConditions),
    };
  });
  return fault === undefined ? ok(statements) : err(fault);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const below = (path: string, fault: ScopeFault): ScopeFault => ({
  path: fault.path === "" ? path : `${path}.${fault.path}`,
  message: fault.message,
});
