/**
 * Names a provider's configuration: leases store it, and a reload keeps the instance that minted a lease until that
 * lease is dead. Covers references to secrets, never secrets: a rotated secret is the same configuration. What stands
 * before the dot names the system and the broker's account there: no other one's word on a credential counts.
 */
import { canonicalJson, type JsonObject } from "../../src/kernel/canonical-json.ts";
import { sha256 } from "../../src/kernel/digest.ts";

export async function configurationDigest(type: string, options: JsonObject, system: JsonObject): Promise<string> {
  return `${await sha256(canonicalJson({ type, system }))}.${await sha256(canonicalJson({ type, options }))}`;
}
