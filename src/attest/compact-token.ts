/**
 * A signed token in compact serialization (RFC 7515 §7.1), taken apart strictly and believed in nothing. JWE, JSON
 * serialization, compression, unencoded payloads and critical extensions end here, before any key is looked at.
 */
import { bytesFromBase64Url } from "../kernel/base64url.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { AttestationFault } from "../ports/attestor.ts";
import { parseJsonObject } from "./json-object.ts";
import { refuse } from "./refuse.ts";

export interface CompactToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** ASCII of header and payload as received: what was signed. */
  readonly signedText: string;
  readonly signature: Uint8Array;
}

/** Extensions that change what the payload or the signature means. None is understood (RFC 7515 §4.1.11, RFC 7797). */
const refusedMembers = ["crit", "b64", "zip", "enc"] as const;

export function parseCompactToken(text: string): Result<CompactToken, AttestationFault> {
  const headerEnd = text.indexOf(".");
  const payloadEnd = text.indexOf(".", headerEnd + 1);
  // A fourth part would leave a dot in the third, which base64url does not have.
  if (headerEnd < 0 || payloadEnd < 0) return refuse("malformed");
  const header = jsonPart(text.slice(0, headerEnd));
  const claims = jsonPart(text.slice(headerEnd + 1, payloadEnd));
  const signature = bytesFromBase64Url(text.slice(payloadEnd + 1));
  if (header === undefined || claims === undefined || signature === undefined) return refuse("malformed");
  if (refusedMembers.some((member) => header[member] !== undefined)) return refuse("malformed");
  return ok({ header, claims, signedText: text.slice(0, payloadEnd), signature });
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function jsonPart(part: string): JsonObject | undefined {
  const bytes = bytesFromBase64Url(part);
  if (bytes === undefined) return undefined;
  try {
    return parseJsonObject(utf8.decode(bytes));
  } catch {
    return undefined;
  }
}
