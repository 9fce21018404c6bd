/**
 * SHA-256 as base64url. Fingerprints are taken of high-entropy values only (credentials, attestations), where a plain
 * hash cannot be guessed back. `sha256` is WebCrypto's; where every microsecond counts a synchronous `Sha256` is a
 * parameter, because WebCrypto sends even a small hash to a thread.
 */
import { base64UrlFromBytes } from "./base64url.ts";
import { brand, type Brand } from "./brand.ts";

/** SHA-256 of a high-entropy value, base64url without padding. */
export type Fingerprint = Brand<string, "Fingerprint">;

export type Sha256 = (data: string) => Fingerprint;

export async function sha256(data: string | Uint8Array): Promise<Fingerprint> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return brand<Fingerprint>(base64UrlFromBytes(new Uint8Array(hash)));
}
