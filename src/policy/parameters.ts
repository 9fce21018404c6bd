/**
 * Typed parameters of a template: what an agent may choose. Values are compared exactly: no trimming, case folding or
 * number parsing. A parameter may stand in a scope only if its alphabet is closed, so that filling it in cannot
 * produce text that the template's author did not foresee.
 */
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { unreachable } from "../kernel/unreachable.ts";
import { hasControlCharacter } from "./pattern.ts";

export type ParameterSchema = ReadonlyMap<string, Parameter>;

export type Parameter = ParameterKind & {
  /** Taken when neither request nor task names the parameter. */
  readonly fallback: Json | undefined;
  readonly required: boolean;
};

export type ParameterKind =
  | { readonly kind: "enum"; readonly values: readonly string[] }
  /** `letters` null: any text without control characters; usable in conditions, never in a scope. */
  | { readonly kind: "string"; readonly prefix: string; readonly letters: string | null; readonly maxLength: number }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "boolean" };

export interface ParameterFault {
  /** Null where the name itself is not the template's. */
  readonly parameter: string | null;
  readonly message: string;
}

/** Whether every value is known to be made of letters that the template's author listed. */
export const isClosed = (parameter: Parameter): boolean => parameter.kind !== "string" || parameter.letters !== null;

/** Whether a value is always there after parsing. */
export const isAlwaysPresent = (parameter: Parameter): boolean =>
  parameter.required || parameter.fallback !== undefined;

/** The values that are to be used: those given, then the defaults. */
export function parseParameters(schema: ParameterSchema, given: JsonObject): Result<JsonObject, ParameterFault> {
  const fault = faultOfGiven(schema, given);
  if (fault !== undefined) return err(fault);
  const parsed: [string, Json][] = [];
  for (const [name, parameter] of schema) {
    const effective = (Object.hasOwn(given, name) ? given[name] : undefined) ?? parameter.fallback;
    if (effective !== undefined) parsed.push([name, effective]);
    else if (parameter.required) return err({ parameter: name, message: "is required" });
  }
  return ok(Object.fromEntries(parsed));
}

/** Judges only what is there: a task may leave parameters to its exchanges. */
export function faultOfGiven(schema: ParameterSchema, given: JsonObject): ParameterFault | undefined {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const parameter = schema.get(name);
    if (parameter === undefined)
      return { parameter: null, message: "names a parameter that the template does not declare" };
    const problem = value === null ? "must not be null" : problemOfValue(parameter, value);
    if (problem !== undefined) return { parameter: name, message: problem };
  }
  return undefined;
}

/** Why the value is not one of the parameter's, or undefined. Never repeats the value. */
export function problemOfValue(parameter: ParameterKind, value: Json): string | undefined {
  switch (parameter.kind) {
    case "enum":
      if (typeof value !== "string") return "must be a string";
      return parameter.values.includes(value) ? undefined : `must be one of ${parameter.values.join(", ")}`;
    case "string":
      return problemOfText(parameter, value);
    case "integer":
      if (typeof value !== "number" || !Number.isSafeInteger(value) || Object.is(value, -0))
        return "must be a whole number";
      return value >= parameter.min && value <= parameter.max
        ? undefined
        : `must be from ${parameter.min} to ${parameter.max}`;
    case "boolean":
      return typeof value === "boolean" ? undefined : "must be true or false";
    default:
      return unreachable(parameter);
  }
}

function problemOfText(parameter: Extract<ParameterKind, { kind: "string" }>, value: Json): string | undefined {
  const { prefix, letters, maxLength } = parameter;
  if (typeof value !== "string") return "must be a string";
  if (value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!value.startsWith(prefix)) return `must begin with ${prefix}`;
  const rest = value.slice(prefix.length);
  if (rest === "") return prefix === "" ? "must not be empty" : `must go on after ${prefix}`;
  if (hasControlCharacter(rest)) return "must not hold control characters";
  if (letters === null) return undefined;
  return isMadeOf(rest, letters) ? undefined : "holds a character outside its alphabet";
}

/** By UTF-16 unit: alphabets are ASCII, so half of a surrogate pair is never in one. */
function isMadeOf(text: string, letters: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (!letters.includes(text.charAt(index))) return false;
  return true;
}
