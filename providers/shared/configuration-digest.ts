/**
 * Names a provider's configuration: leases store it, and a reload keeps the instance that minted a lease until that
 * lease is dead. Covers references to secrets, never secrets: a rotated secret is the same configuration.
 */
import { canonicalJson, type JsonObject } from "../../src/kernel/canonical-json.ts";
import { sha256 } from "../../src/kernel/digest.ts";

export const configurationDigest = (type: string, options: JsonObject): Promise<string> =>
  sha256(canonicalJson({ type, options }));
