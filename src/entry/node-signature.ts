/**
 * Verifying attestations with Node's own primitives: synchronous, and for ES256 with a bare KeyObject and a DER
 * signature, which is what OpenSSL does fastest. A differential test holds it to the verdicts of jose.
 */
import { constants, createPublicKey, hash, verify, type KeyObject } from "node:crypto";
import type { PublicKey } from "../attest/public-key.ts";
import type { VerifySignature } from "../attest/verify-signature.ts";
import { brand } from "../kernel/brand.ts";
import type { Fingerprint } from "../kernel/digest.ts";
import { unreachable } from "../kernel/unreachable.ts";
import { derFromRaw } from "./ecdsa-signature.ts";

/** SHA-256 without the trip to a thread that WebCrypto takes. */
export const nodeDigest = (text: string): Fingerprint => brand<Fingerprint>(hash("sha256", text, "base64url"));

/** Imported keys live as long as the key set that they came from. */
export function createNodeVerifier(): VerifySignature {
  const imported = new WeakMap<PublicKey, KeyObject | null>();
  return ({ algorithm, key, text, signature }) => {
    const publicKey = imported.get(key) ?? importKey(key);
    imported.set(key, publicKey);
    if (publicKey === null) return false;
    const data = Buffer.from(text, "latin1");
    switch (algorithm) {
      case "ES256": {
        const der = derFromRaw(signature);
        return der !== undefined && verify("sha256", data, publicKey, der);
      }
      case "ES384":
        return verify("sha384", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature);
      case "RS256":
        return verify("sha256", data, publicKey, signature);
      case "PS256":
        return verify("sha256", data, pss(publicKey), signature);
      case "EdDSA":
      case "Ed25519":
        return verify(null, data, publicKey, signature);
      default:
        return unreachable(algorithm);
    }
  };
}

/** A salt as long as the hash, and no other (RFC 7518 §3.5). */
const pss = (key: KeyObject) => ({
  key,
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
});

/** Null for a key that only looks like one: a point that is not on its curve. */
function importKey({ material }: PublicKey): KeyObject | null {
  try {
    return createPublicKey({ key: { ...material }, format: "jwk" });
  } catch {
    return null;
  }
}
