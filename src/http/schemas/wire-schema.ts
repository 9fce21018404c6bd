/**
 * Schemas of the wire and their names in the OpenAPI document. One schema both validates and documents, so the
 * document cannot say what the broker does not do. Answers use open objects: a client must bear new members.
 */
import * as z from "zod";
import { isName, namePattern } from "../../domain/names.ts";
import type { Json } from "../../kernel/canonical-json.ts";
import { maxContextBytes } from "../../kernel/limits.ts";

export const schemaNames = z.registry<{ id: string }>();

/** Gives a schema its name in `components.schemas`. */
export function named<S extends z.ZodType>(id: string, schema: S): S {
  schemaNames.add(schema, { id });
  return schema;
}

export const resourceName = z
  .string()
  .refine(isName, "must be a resource name: lower-case letters, digits, dots and hyphens, at most 63")
  .meta({ pattern: namePattern.source });

const idOf = (prefix: "tsk" | "lea", what: string) =>
  z.string().meta({ description: `Id of a ${what}`, example: `${prefix}_` + "0".repeat(21) });

/** Any text is taken as an id: one that cannot exist is answered like one that does not. */
export const taskIdText = idOf("tsk", "task");
export const leaseIdText = idOf("lea", "lease");

export const instant = z.iso.datetime().meta({ description: "RFC 3339, UTC, with milliseconds" });

/** Text for people: bounded, one line. */
export const shortText = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => !/\p{Cc}/u.test(text), "must be one line, without control characters");

/** Whole numbers only: a fraction has more than one spelling, and audit hashes what was written. */
function isCanonical(value: unknown): value is Json {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isCanonical);
}

const jsonValue = z.custom<Json>(
  isCanonical,
  "may hold only whole numbers up to 9007199254740991, text, true, false, null, and lists and objects of these",
);

/** Of a size that the text around it was held to already. */
export const jsonMembers = z.record(z.string(), jsonValue);

export const jsonObject = jsonMembers.refine(
  (value) => new TextEncoder().encode(JSON.stringify(value)).length <= maxContextBytes,
  { message: `must be at most ${maxContextBytes} bytes of JSON` },
);
