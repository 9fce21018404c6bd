/** The usable keys of one issuer at one time, and which of them a token means. Keys of two issuers never meet. */
import { maxKeysPerSet, maxKeySetBytes } from "../kernel/limits.ts";
import { ok, type Result } from "../kernel/result.ts";
import type { AttestationFault } from "../ports/attestor.ts";
import type { CheckedHeader } from "./check-header.ts";
import { isJsonObject, parseJsonObject } from "./json-object.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import { refuse } from "./refuse.ts";

/** A changed document is a new object: whoever remembers a set can see that it is no longer the current one. */
export interface KeySet {
  readonly keys: readonly PublicKey[];
}

/** Undefined for anything that is not a JWK Set (RFC 7517 §5), for too many keys, and where no key can verify. */
export function parseKeySet(text: string): KeySet | undefined {
  if (text.length > maxKeySetBytes) return undefined;
  const entries = parseJsonObject(text)?.["keys"];
  if (!Array.isArray(entries) || entries.length > maxKeysPerSet) return undefined;
  const keys = entries.filter(isJsonObject).flatMap((jwk) => parsePublicKey(jwk) ?? []);
  return keys.length === 0 ? undefined : { keys };
}

/** A token without `kid` is understood only where a single key fits: keys are never tried one after the other. */
export function pickKey(set: KeySet, header: CheckedHeader): Result<PublicKey, AttestationFault> {
  const { algorithm, keyId } = header;
  const named = keyId === undefined ? set.keys : set.keys.filter((key) => key.keyId === keyId);
  if (named.length === 0) return refuse("unknown_key");
  const fitting = named.filter((key) => key.algorithms.includes(algorithm));
  const [key] = fitting;
  if (key === undefined) return refuse("algorithm");
  return fitting.length === 1 ? ok(key) : refuse("unknown_key");
}
