/**
 * The sealing key ring as text (`MAYFLY_SEALING_KEYS`, or the file that it names):
 *
 *   {"active":"k2","keys":{"k1":"<32 bytes, base64url>","k2":"<32 bytes, base64url>"}}
 *
 * New seals are made with the active key; every key of the ring opens. To rotate, add a key, then make it active, and
 * remove the old one once no sealed row names it (the start refuses if one does).
 */
import { bytesFromBase64Url } from "../kernel/base64url.ts";
import { ok, type Result } from "../kernel/result.ts";
import { Redacted } from "../kernel/redacted.ts";
import type { KeyRingFault } from "./fault.ts";
import { fault, isMembers, parseRingJson, unknownMember, type Members } from "./ring-json.ts";

export interface SealingKeys {
  readonly active: string;
  readonly keys: ReadonlyMap<string, Redacted<Uint8Array>>;
}

export const sealingKeyBytes = 32;
/** Begins with a letter: names that look like numbers would change their order in JSON. */
const keyIdPattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
/** A ring only grows by rotation; more keys than this is a mistake. */
const maxKeys = 32;

export function parseSealingKeys(text: Redacted): Result<SealingKeys, KeyRingFault> {
  const json = parseRingJson(text);
  if (!json.ok) return json;
  const { active, keys } = json.value;
  const unknown = unknownMember(json.value, ["active", "keys"]);
  if (unknown !== undefined) return fault("", "has a member besides active and keys");
  if (typeof active !== "string") return fault("active", "must name the key that seals");
  if (!isMembers(keys)) return fault("keys", "must be an object of key id to key");
  const parsed = parseKeys(keys);
  if (!parsed.ok) return parsed;
  if (!parsed.value.has(active)) return fault("active", "names a key that is not in keys");
  return ok({ active, keys: parsed.value });
}

function parseKeys(keys: Members): Result<Map<string, Redacted<Uint8Array>>, KeyRingFault> {
  const parsed = new Map<string, Redacted<Uint8Array>>();
  const seen = new Set<unknown>();
  for (const [id, key] of Object.entries(keys)) {
    if (!keyIdPattern.test(id))
      return fault("keys", "has a key id that is not a letter followed by at most 31 letters, digits, _ or -");
    const bytes = typeof key === "string" ? bytesFromBase64Url(key) : undefined;
    if (bytes?.length !== sealingKeyBytes)
      return fault(`keys.${id}`, `must be ${sealingKeyBytes} bytes in base64url without padding`);
    if (bytes.every((byte) => byte === bytes[0])) return fault(`keys.${id}`, "is not random");
    if (seen.has(key)) return fault(`keys.${id}`, "is the same key as another one");
    seen.add(key);
    parsed.set(id, new Redacted(bytes, "sealing key"));
  }
  if (parsed.size === 0) return fault("keys", "holds no key");
  if (parsed.size > maxKeys) return fault("keys", `holds more than ${maxKeys} keys; remove those that no row names`);
  return ok(parsed);
}
