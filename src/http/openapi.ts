/**
 * The OpenAPI 3.1 document of a table of endpoints. Written from the schemas that validate, so it lists what works and
 * nothing else; made at the first request for it.
 */
import * as z from "zod";
import { ok } from "../kernel/result.ts";
import type { AnswerFacts, Endpoint } from "./endpoint.ts";
import { lineType } from "./respond.ts";
import { oauthError, openApiDocument, problem } from "./schemas/service.ts";
import { schemaNames } from "./schemas/wire-schema.ts";

type Document = Record<string, unknown>;

/** The endpoints and the one that describes them all, itself included. */
export function withDocument(title: string, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  let document: Document | undefined;
  const all: readonly Endpoint[] = [
    ...endpoints,
    {
      method: "get",
      path: "/openapi.json",
      operation: "readOpenApi",
      summary: "This document",
      shape: "problem",
      access: "anyone",
      answers: { 200: { description: "OpenAPI 3.1", schema: openApiDocument } },
      handle() {
        document ??= documentOf(title, all);
        return Promise.resolve(ok({ status: 200, json: document }));
      },
    },
  ];
  return all;
}

function documentOf(title: string, endpoints: readonly Endpoint[]): Document {
  const paths: Record<string, Document> = {};
  for (const endpoint of endpoints) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: operationOf(endpoint) };
  }
  return {
    openapi: "3.1.1",
    info: { title, version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      schemas: schemasOf(endpoints),
      securitySchemes: { attestation: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

function operationOf(endpoint: Endpoint): Document {
  const { operation, summary, form, json, parameters = {}, answers, access, shape } = endpoint;
  const errorType = shape === "problem" ? "application/problem+json" : "application/json";
  const responses: Record<string, Document> = {
    default: {
      description: "Refused or failed",
      content: { [errorType]: { schema: reference(errorSchemaOf(endpoint)) } },
    },
  };
  for (const [status, answer] of Object.entries(answers)) responses[status] = answerOf(answer);
  const body = form ?? json;
  const bodyType = form === undefined ? "application/json" : "application/x-www-form-urlencoded";
  return {
    operationId: operation,
    summary,
    ...(access !== "anyone" && { security: [{ attestation: [] }] }),
    ...(Object.keys(parameters).length > 0 && { parameters: Object.entries(parameters).map(parameterOf) }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { [bodyType]: { schema: reference(body) } } },
    }),
    responses,
  };
}

const errorSchemaOf = ({ shape }: Endpoint): z.ZodType => (shape === "problem" ? problem : oauthError);

function answerOf({ description, schema, type = "application/json", line }: AnswerFacts): Document {
  const hasBody = schema !== undefined || type !== "application/json";
  const bodySchema = schema === undefined ? { type: "string" } : reference(schema);
  const lines = line === undefined ? {} : { [lineType]: { schema: reference(line) } };
  return { description, ...(hasBody && { content: { [type]: { schema: bodySchema }, ...lines } }) };
}

/** `place: what it means`, as endpoints note it. */
function parameterOf([name, note]: [string, string]): Document {
  const [place = "query", description = ""] = note.split(/: (.*)/s);
  return { name, in: place, description, required: place === "path", schema: { type: "string" } };
}

function reference(schema: z.ZodType): Document {
  const id = schemaNames.get(schema)?.id;
  if (id === undefined) throw new Error("a schema of an endpoint has no name; make it with `named`");
  return { $ref: `#/components/schemas/${id}` };
}

/** The schemas that these endpoints use, and those that those refer to. */
function schemasOf(endpoints: readonly Endpoint[]): Record<string, Document> {
  const { schemas } = z.toJSONSchema(schemaNames, {
    io: "input",
    unrepresentable: "any",
    uri: (id) => `#/components/schemas/${id}`,
  });
  const used: Record<string, Document> = {};
  const add = (id: string): void => {
    const schema = schemas[id];
    if (schema === undefined || id in used) return;
    const { $schema: _dialect, $id: _id, ...rest } = schema;
    used[id] = rest;
    for (const match of JSON.stringify(rest).matchAll(/"#\/components\/schemas\/(\w+)"/g)) add(match[1] ?? "");
  };
  for (const endpoint of endpoints) {
    const answers = Object.values(endpoint.answers).flatMap(({ schema, line }) => [schema, line]);
    for (const schema of [endpoint.form, endpoint.json, errorSchemaOf(endpoint), ...answers]) {
      if (schema !== undefined) add(schemaNames.get(schema)?.id ?? "");
    }
  }
  return used;
}
