/**
 * Reads a request's body: the media type first, then no more bytes than the bound, then the parse. A body that
 * declares its length is read at once, because the server holds it to that; any other is counted as it comes.
 */
import type { HonoRequest } from "hono";
import type * as z from "zod";
import { maxBodyBytes } from "../kernel/limits.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { parseForm, type Form } from "./form.ts";
import { malformed, type HttpFault } from "./request-fault.ts";
import { explainIssue } from "./schemas/explain-issue.ts";

const formType = "application/x-www-form-urlencoded";
const jsonType = "application/json";

export async function readForm(request: HonoRequest): Promise<Result<Form, HttpFault>> {
  const text = await readText(request, formType);
  return text.ok ? parseForm(text.value) : text;
}

export async function readJson<S extends z.ZodType>(
  request: HonoRequest,
  schema: S,
): Promise<Result<z.output<S>, HttpFault>> {
  const text = await readText(request, jsonType);
  if (!text.ok) return text;
  const json = parseStrictJson(text.value);
  if (!json.ok) return err(malformed(`the body ${json.fault.message}`));
  const parsed = schema.safeParse(json.value);
  return parsed.success ? ok(parsed.data) : err(explainIssue(parsed.error, json.value, schema));
}

async function readText(request: HonoRequest, expected: string): Promise<Result<string, HttpFault>> {
  const type = request.header("Content-Type") ?? "";
  if (!isMediaType(type, expected)) return err({ code: "media_type", expected });
  const length = request.header("Content-Length");
  if (length !== undefined && Number(length) > maxBodyBytes) return err(tooLarge);
  try {
    const text = length === undefined ? await readCounted(request) : await request.text();
    return text === undefined || text.length > maxBodyBytes ? err(tooLarge) : ok(text);
  } catch {
    return err(malformed("the body could not be read to its end"));
  }
}

const tooLarge: HttpFault = { code: "too_large", maxBytes: maxBodyBytes };

/** Parameters of the type (a charset) are ignored: both types are UTF-8. */
function isMediaType(header: string, expected: string): boolean {
  if (header === expected) return true;
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase() === expected;
}

async function readCounted(request: HonoRequest): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let byteCount = 0;
  for await (const chunk of request.raw.body ?? []) {
    byteCount += chunk.byteLength;
    if (byteCount > maxBodyBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
