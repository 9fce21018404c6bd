/**
 * The verifier that PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5802 §3, RFC 7677). The server is told this
 * instead of the password, so that neither its log nor a captured statement lets anybody log in.
 */
import { Redacted } from "../../src/kernel/redacted.ts";

/** RFC 7677 §4 asks for at least this many; a random password of 256 bits needs no more. */
const iterations = 4096;
const saltBytes = 16;

const text = new TextEncoder();
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** `password` must be ASCII, which SASLprep leaves as it is. */
export async function scramVerifier(
  password: Redacted,
  randomBytes: (length: number) => Uint8Array,
): Promise<Redacted> {
  const salt = randomBytes(saltBytes);
  const salted = await saltedPassword(password, salt);
  const clientKey = await hmac(salted, "Client Key");
  const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
  const serverKey = await hmac(salted, "Server Key");
  const verifier = `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
  return new Redacted(verifier, "password verifier");
}

async function saltedPassword(password: Redacted, salt: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", text.encode(password.reveal()), "PBKDF2", false, ["deriveBits"]);
  const derived = { name: "PBKDF2", hash: "SHA-256", iterations, salt: new Uint8Array(salt) };
  return new Uint8Array(await crypto.subtle.deriveBits(derived, key, 256));
}

async function hmac(secret: Uint8Array<ArrayBuffer>, label: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(label)));
}
