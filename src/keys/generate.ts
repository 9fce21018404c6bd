/**
 * Fresh key rings as text, for development and for an operator's first ring. The text is the secret: it goes to a file
 * with mode 0600 or to a secret store, never to a log.
 */
import { exportJWK, generateKeyPair } from "jose";
import { base64UrlFromBytes } from "../kernel/base64url.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { Redacted } from "../kernel/redacted.ts";
import { sealingKeyBytes } from "./sealing-keys.ts";

const keyIdBytes = 6;

/** The id is random too: two rings that name different keys alike would open each other's seals only in appearance. */
export function generateSealingKeys(entropy: Entropy): Redacted {
  const key = base64UrlFromBytes(entropy.bytes(sealingKeyBytes));
  const id = `k${base64UrlFromBytes(entropy.bytes(keyIdBytes))}`;
  return new Redacted(JSON.stringify({ active: id, keys: { [id]: key } }), "sealing keys");
}

/** One active ES256 key: the cheapest to make of those that every verifier knows. */
export async function generateSigningKeys(): Promise<Redacted> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  return new Redacted(JSON.stringify({ keys: [{ state: "active", jwk: { kty, crv, x, y, d } }] }), "signing keys");
}
