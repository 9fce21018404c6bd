/**
 * SHA-256 through WebCrypto, as base64url. Fingerprints are taken of high-entropy values only (credentials,
 * attestations), where a plain hash cannot be guessed back.
 */
import { brand, type Brand } from "./brand.ts";
import { base64UrlFromBytes } from "./base64url.ts";

/** SHA-256 of a high-entropy value, base64url without padding. */
export type Fingerprint = Brand<string, "Fingerprint">;

export async function sha256(data: string | Uint8Array): Promise<Fingerprint> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return brand<Fingerprint>(base64UrlFromBytes(new Uint8Array(hash)));
}
