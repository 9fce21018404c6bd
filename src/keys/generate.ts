/**
 * Fresh key rings as text, for development and for an operator's first ring. The text is the secret: it goes to a file
 * with mode 0600 or to a secret store, never to a log.
 */
import { exportJWK, generateKeyPair } from "jose";
import { base64UrlFromBytes } from "../kernel/base64url.ts";
import type { Entropy } from "../kernel/entropy.ts";
import { Redacted } from "../kernel/redacted.ts";
import { sealingKeyBytes } from "./sealing-keys.ts";

export function generateSealingKeys(entropy: Entropy): Redacted {
  const key = base64UrlFromBytes(entropy.bytes(sealingKeyBytes));
  return new Redacted(JSON.stringify({ active: "k1", keys: { k1: key } }), "sealing keys");
}

/** One active ES256 key: the cheapest to make of those that every verifier knows. */
export async function generateSigningKeys(): Promise<Redacted> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  return new Redacted(JSON.stringify({ keys: [{ state: "active", jwk: { kty, crv, x, y, d } }] }), "signing keys");
}
