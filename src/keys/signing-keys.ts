/**
 * The signing key ring as text (`MAYFLY_SIGNING_KEYS`, or the file that it names):
 *
 *   {"keys":[{"state":"next","jwk":{...}},{"state":"active","jwk":{...}},{"state":"retired","acceptUntil":1800000000,"jwk":{...}}]}
 *
 * Exactly one key is active: it signs. A `next` key is published ahead of its use, so that caches know it by then. A
 * `retired` key signs no more; its tokens are accepted, and its public half is published, until `acceptUntil`
 * (seconds since 1970): when the longest-lived token that it signed is over.
 */
import { ok, type Result } from "../kernel/result.ts";
import type { Redacted } from "../kernel/redacted.ts";
import { epochMillis, type EpochMillis } from "../kernel/time.ts";
import type { KeyRingFault } from "./fault.ts";
import { parsePrivateJwk, type SigningKey } from "./private-jwk.ts";
import { fault, isMembers, parseRingJson, unknownMember } from "./ring-json.ts";

export type RingKey = SigningKey & KeyState;
export type KeyState =
  | { readonly state: "next" }
  | { readonly state: "active" }
  | { readonly state: "retired"; readonly acceptUntil: EpochMillis };

/** A published set stays small enough for every verifier's size limit. */
const maxKeys = 16;

export async function parseSigningKeys(text: Redacted): Promise<Result<readonly RingKey[], KeyRingFault>> {
  const json = parseRingJson(text);
  if (!json.ok) return json;
  const { keys } = json.value;
  if (unknownMember(json.value, ["keys"]) !== undefined) return fault("", "has a member besides keys");
  if (!Array.isArray(keys)) return fault("keys", "must be an array");
  if (keys.length > maxKeys) return fault("keys", `holds more than ${maxKeys} keys; remove the retired ones`);
  const ring: RingKey[] = [];
  for (const [index, entry] of (keys as unknown[]).entries()) {
    const parsed = await parseEntry(entry, `keys.${index}`);
    if (!parsed.ok) return parsed;
    if (ring.some(({ keyId }) => keyId === parsed.value.keyId)) return fault(`keys.${index}`, "is in the ring twice");
    ring.push(parsed.value);
  }
  const active = ring.filter(({ state }) => state === "active").length;
  return active === 1 ? ok(ring) : fault("keys", `must hold exactly one active key, has ${active}`);
}

async function parseEntry(entry: unknown, path: string): Promise<Result<RingKey, KeyRingFault>> {
  if (!isMembers(entry)) return fault(path, "must be an object with state and jwk");
  if (unknownMember(entry, ["state", "jwk", "acceptUntil"]) !== undefined)
    return fault(path, "has a member besides state, jwk and acceptUntil");
  const state = parseState(entry["state"], entry["acceptUntil"], path);
  if (!state.ok) return state;
  const key = await parsePrivateJwk(entry["jwk"], `${path}.jwk`);
  return key.ok ? ok({ ...key.value, ...state.value }) : key;
}

function parseState(state: unknown, acceptUntil: unknown, path: string): Result<KeyState, KeyRingFault> {
  if (state === "retired") {
    const isInstant = typeof acceptUntil === "number" && Number.isSafeInteger(acceptUntil) && acceptUntil > 0;
    if (!isInstant || acceptUntil > latestInstant)
      return fault(`${path}.acceptUntil`, "must be whole seconds since 1970");
    return ok({ state, acceptUntil: epochMillis(acceptUntil * 1000) });
  }
  if (state !== "next" && state !== "active") return fault(`${path}.state`, "must be next, active or retired");
  return acceptUntil === undefined ? ok({ state }) : fault(`${path}.acceptUntil`, "belongs to a retired key only");
}

/** The year 2100: above it, someone wrote milliseconds. */
const latestInstant = 4_102_444_800;
