/** The published schema says what the parser says, in the words that editors understand. */
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { Json } from "../../src/kernel/canonical-json.ts";
import { policyJsonSchema } from "../../src/policy/json-schema.ts";
import { readDocuments } from "../../src/policy/parse/yaml-documents.ts";
import { sampleFiles } from "../support/policy-sample.ts";

const schema = policyJsonSchema();
/** Read back by zod's own reader of JSON Schema: a validator that does not know our shapes. */
const validator = z.fromJSONSchema(schema);
const documents: Json[] = Object.entries(sampleFiles).flatMap(([path, text]) =>
  readDocuments({ path, text }).documents.map((document) => document.value),
);

describe("policy schema", () => {
  it("is a draft 2020-12 schema with one form for each kind", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "https://mayfly.dev/schema/policy-v1.json",
    });
    expect(JSON.stringify(schema)).not.toContain('"$ref":"#/$defs/undefined');
    const forms = z
      .array(z.object({ title: z.string(), additionalProperties: z.literal(false) }))
      .parse(schema["anyOf"]);
    expect(forms.map((form) => form.title)).toEqual([
      "TrustedIssuer",
      "AgentProfile",
      "Provider",
      "CredentialTemplate",
      "Guardrail",
    ]);
  });

  it("accepts every resource of the sample, and refuses it with a foreign field", () => {
    expect(documents).toHaveLength(8);
    for (const document of documents) {
      expect(validator.safeParse(document).success).toBe(true);
      expect(validator.safeParse({ ...z.record(z.string(), z.unknown()).parse(document), extra: 1 }).success).toBe(
        false,
      );
    }
  });
});
