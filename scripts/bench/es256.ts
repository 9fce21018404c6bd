/**
 * ES256 as fast as Node does it: DER at OpenSSL's side, converted here. The broker's own code is left alone on
 * purpose: ceilings and requests must not change when it does.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";

export interface KeyPair {
  readonly keyId: string;
  readonly privateJwk: JsonWebKey;
  readonly publicJwk: JsonWebKey;
}

export function generateKeyPair(keyId: string): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const facts = { kid: keyId, alg: "ES256", use: "sig" };
  return {
    keyId,
    privateJwk: { ...privateKey.export({ format: "jwk" }), ...facts },
    publicJwk: { ...publicKey.export({ format: "jwk" }), ...facts },
  };
}

export const privateKeyOf = ({ privateJwk }: KeyPair): KeyObject =>
  createPrivateKey({ key: privateJwk, format: "jwk" });
export const publicKeyOf = (publicJwk: JsonWebKey): KeyObject => createPublicKey({ key: publicJwk, format: "jwk" });

/** A compact token; `header` is already encoded, because it is the same for all. */
export function signToken(header: string, claims: object, key: KeyObject): string {
  const text = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  return `${text}.${rawFromDer(sign("sha256", Buffer.from(text, "latin1"), key)).toString("base64url")}`;
}

export const encodeHeader = (header: object): string => Buffer.from(JSON.stringify(header)).toString("base64url");

/** The claims of a token with a good signature. */
export function openToken(token: string, key: KeyObject): Record<string, unknown> | undefined {
  const payloadAt = token.indexOf(".") + 1;
  const signatureAt = token.indexOf(".", payloadAt) + 1;
  const text = Buffer.from(token.slice(0, signatureAt - 1), "latin1");
  const signature = derFromRaw(Buffer.from(token.slice(signatureAt), "base64url"));
  if (!verify("sha256", text, key, signature)) return undefined;
  return JSON.parse(Buffer.from(token.slice(payloadAt, signatureAt - 1), "base64url").toString());
}

function rawFromDer(der: Buffer): Buffer {
  const raw = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    const skipped = Math.max(0, length - 32);
    der.copy(raw, end - (length - skipped), at + 2 + skipped, at + 2 + length);
    at += 2 + length;
  }
  return raw;
}

export function derFromRaw(raw: Buffer): Buffer {
  const der = Buffer.allocUnsafe(72);
  let at = 2;
  for (const from of [0, 32]) {
    let start = from;
    while (start < from + 31 && raw[start] === 0) start += 1;
    const padding = (raw[start] ?? 0) >= 0x80 ? 1 : 0;
    const length = from + 32 - start;
    der[at] = 0x02;
    der[at + 1] = length + padding;
    if (padding === 1) der[at + 2] = 0;
    at += 2 + padding + raw.copy(der, at + 2 + padding, start, from + 32);
  }
  der[0] = 0x30;
  der[1] = at - 2;
  return der.subarray(0, at);
}
