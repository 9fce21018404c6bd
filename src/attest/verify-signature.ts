/**
 * Whether a signature over a token is good. The judge is a parameter: jose on any runtime, and a runtime's own
 * primitive where a differential test holds it to the same verdicts.
 */
import { compactVerify, importJWK, type CryptoKey } from "jose";
import { base64UrlFromBytes } from "../kernel/base64url.ts";
import type { SignatureAlgorithm } from "../domain/trusted-issuer.ts";
import type { PublicKey } from "./public-key.ts";

/** False for every signature that is not certainly good; never throws. */
export type VerifySignature = (signed: SignedText) => boolean | Promise<boolean>;

export interface SignedText {
  readonly algorithm: SignatureAlgorithm;
  readonly key: PublicKey;
  /** ASCII: base64url header, a dot, base64url payload. */
  readonly text: string;
  readonly signature: Uint8Array;
}

/** Verifies with jose and WebCrypto. Imported keys live as long as the key set that they came from. */
export function createJoseVerifier(): VerifySignature {
  const imported = new WeakMap<PublicKey, Map<SignatureAlgorithm, CryptoKey>>();
  const importOnce = async (key: PublicKey, algorithm: SignatureAlgorithm): Promise<CryptoKey | undefined> => {
    const known = imported.get(key) ?? new Map<SignatureAlgorithm, CryptoKey>();
    imported.set(key, known);
    const found = known.get(algorithm);
    if (found !== undefined) return found;
    const made = await importJWK({ ...key.material }, algorithm);
    if (made instanceof Uint8Array) return undefined;
    known.set(algorithm, made);
    return made;
  };
  return async ({ algorithm, key, text, signature }) => {
    try {
      const publicKey = await importOnce(key, algorithm);
      if (publicKey === undefined) return false;
      await compactVerify(`${text}.${base64UrlFromBytes(signature)}`, publicKey, { algorithms: [algorithm] });
      return true;
    } catch {
      return false;
    }
  };
}
