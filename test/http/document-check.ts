/**
 * Holds every answer of an app against the app's own OpenAPI document: the path is described, the status too, and the
 * body is what its schema says. Answers may grow, so the document leaves them open; here an undescribed member fails.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Hono } from "hono";

type Document = { readonly paths: Record<string, Record<string, Operation>>; readonly components: { schemas: object } };
interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: object }> }>;
}

/** Answers whose members other specifications own. */
const openSchemas = new Set(["OpenApi", "Introspection"]);

export interface DocumentCheck {
  /** Throws unless the document describes this answer. */
  check(request: { method: string; path: string }, response: Response, body: string): void;
}

export async function createDocumentCheck(app: Hono): Promise<DocumentCheck> {
  const document = (await (await app.request("/openapi.json")).json()) as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "document", components: { schemas: closed(document.components.schemas) } });
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (reference: string): ValidateFunction => {
    const known = validators.get(reference) ?? ajv.compile({ $ref: `document${reference}` });
    validators.set(reference, known);
    return known;
  };
  return {
    check({ method, path }, response, body) {
      const operation = operationOf(document, method, path);
      const described = operation?.responses[response.status] ?? operation?.responses["default"];
      if (described === undefined) {
        if (response.status === 404 || response.status === 405) return;
        throw new Error(`${method} ${path} is not described`);
      }
      if (body === "") {
        if (described.content !== undefined) throw new Error(`${method} ${path} ${response.status} has no body`);
        return;
      }
      const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
      const schema = described.content?.[type]?.schema;
      if (schema === undefined) throw new Error(`${method} ${path} ${response.status} is not described as ${type}`);
      if (!("$ref" in schema)) return;
      const validate = validatorOf(String(schema.$ref));
      const values = type === "application/x-ndjson" ? body.trimEnd().split("\n") : [body];
      for (const value of values)
        if (!validate(JSON.parse(value)))
          throw new Error(`${method} ${path}: ${ajv.errorsText(validate.errors)} in ${value}`);
    },
  };
}

function operationOf(document: Document, method: string, path: string): Operation | undefined {
  const template = Object.keys(document.paths).find((candidate) =>
    new RegExp(`^${candidate.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
  return template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
}

/** Every object that lists its members takes no others. */
function closed(schemas: object): object {
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, close(member)]));
    return "properties" in members && !("additionalProperties" in members)
      ? { ...members, additionalProperties: false }
      : members;
  };
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, openSchemas.has(name) ? schema : close(schema)]),
  );
}
