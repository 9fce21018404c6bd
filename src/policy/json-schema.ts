/**
 * The published JSON Schema (2020-12) of policy files, for completion and checking in editors. Made from the very shapes
 * that the parser uses, so that the two cannot disagree.
 */
import * as z from "zod";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { envelope, kinds, specs } from "./parse/schemas.ts";

export const policySchemaId = "https://mayfly.dev/schema/policy-v1.json";

/** One document; files may hold several, separated by `---`. */
export function policyJsonSchema(): JsonObject {
  const documents = kinds.map((kind) =>
    envelope.extend({ kind: z.literal(kind), spec: specs[kind] }).meta({ title: kind }),
  );
  const [first, ...rest] = documents;
  if (first === undefined) throw new Error("there are no kinds");
  const schema = z.toJSONSchema(z.union([first, ...rest]), { io: "input", target: "draft-2020-12" });
  return { ...(schema as JsonObject), $id: policySchemaId, title: "Mayfly policy resource" };
}
