/** The parameters of a template: which fields belong to which type, and defaults that are values of it. */
import { unreachable } from "../../kernel/unreachable.ts";
import { parseAlphabet } from "../alphabet.ts";
import { problemOfValue, type Parameter, type ParameterKind, type ParameterSchema } from "../parameters.ts";
import type { Path } from "./fault.ts";
import type { Problems } from "./reader.ts";
import type { ParameterSpec } from "./schemas.ts";

const maxParameters = 32;
const namePattern = /^[a-z][A-Za-z0-9_]{0,62}$/;

const fieldsOf: Readonly<Record<ParameterSpec["type"], readonly string[]>> = {
  string: ["enum", "prefix", "alphabet", "maxLength"],
  integer: ["min", "max"],
  boolean: [],
};
const common = ["type", "description", "required", "default"];

export function readParameters(specs: Readonly<Record<string, ParameterSpec>>, problems: Problems): ParameterSchema {
  const entries = Object.entries(specs);
  const base = ["spec", "parameters"];
  if (entries.length > maxParameters)
    problems.add({ path: base, message: `has more than ${maxParameters} parameters`, fix: "split the template" });
  const schema = new Map<string, Parameter>();
  for (const [name, spec] of entries) {
    const path = [...base, name];
    if (!namePattern.test(name) || name in {})
      problems.add({
        path,
        part: "key",
        message: "is not a parameter name",
        fix: "use letters, digits and _, beginning with a small letter",
      });
    const parameter = readParameter(spec, path, problems);
    if (parameter !== undefined) schema.set(name, parameter);
  }
  return schema;
}

function readParameter(spec: ParameterSpec, path: Path, problems: Problems): Parameter | undefined {
  const allowed = [...common, ...fieldsOf[spec.type]];
  const foreign = Object.keys(spec).filter((field) => !allowed.includes(field));
  for (const field of foreign)
    problems.add({
      path: [...path, field],
      part: "key",
      message: `is not a field of type ${spec.type}`,
      fix: `known here: ${allowed.join(", ")}`,
    });
  if (foreign.length > 0) return undefined;
  const kind = readKind(spec, path, problems);
  if (kind === undefined) return undefined;
  if (spec.default !== undefined) {
    const problem = problemOfValue(kind, spec.default);
    if (problem !== undefined)
      problems.add({ path: [...path, "default"], message: problem, fix: "use a value of the parameter" });
    if (spec.required === true)
      problems.add({ path: [...path, "required"], message: "has no use beside a default", fix: "remove one of them" });
  }
  return { ...kind, fallback: spec.default, required: spec.required ?? spec.default === undefined };
}

function readKind(spec: ParameterSpec, path: Path, problems: Problems): ParameterKind | undefined {
  switch (spec.type) {
    case "boolean":
      return { kind: "boolean" };
    case "integer":
      return readInteger(spec, path, problems);
    case "string":
      return spec.enum === undefined ? readText(spec, path, problems) : readEnum(spec.enum, spec, path, problems);
    default:
      return unreachable(spec.type);
  }
}

function readInteger(spec: ParameterSpec, path: Path, problems: Problems): ParameterKind | undefined {
  const { min, max } = spec;
  if (min === undefined || max === undefined) {
    problems.add({ path, part: "key", message: "has no bounds", fix: "add min and max" });
    return undefined;
  }
  if (min > max) problems.add({ path: [...path, "min"], message: "is above max", fix: "swap min and max" });
  return { kind: "integer", min, max };
}

function readEnum(values: readonly string[], spec: ParameterSpec, path: Path, problems: Problems): ParameterKind {
  for (const field of ["prefix", "alphabet", "maxLength"]) {
    if (field in spec)
      problems.add({
        path: [...path, field],
        part: "key",
        message: "has no use beside enum",
        fix: "remove one of them",
      });
  }
  return { kind: "enum", values };
}

function readText(spec: ParameterSpec, path: Path, problems: Problems): ParameterKind | undefined {
  const { maxLength, prefix = "" } = spec;
  if (maxLength === undefined) {
    problems.add({
      path,
      part: "key",
      message: "has no bound on its length",
      fix: "add maxLength, or list the values in enum",
    });
    return undefined;
  }
  if (prefix.length >= maxLength)
    problems.add({
      path: [...path, "maxLength"],
      message: "leaves no room after the prefix",
      fix: `use more than ${prefix.length}`,
    });
  if (spec.alphabet === undefined) return { kind: "string", prefix, letters: null, maxLength };
  const letters = parseAlphabet(spec.alphabet);
  if (!letters.ok) {
    problems.add({
      path: [...path, "alphabet"],
      message: letters.fault,
      fix: "write letters and ranges, such as a-z0-9_-",
    });
    return undefined;
  }
  return { kind: "string", prefix, letters: letters.value, maxLength };
}
