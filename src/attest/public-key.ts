/**
 * One public key of an issuer (RFC 7517), parsed into what it may be used for. What is not a sound key for verifying
 * signatures (encryption keys, symmetric ones, short or absurd RSA, anything with its private part published) is no
 * key at all.
 */
import { bytesFromBase64Url } from "../kernel/base64url.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { unreachable } from "../kernel/unreachable.ts";
import type { SignatureAlgorithm } from "../domain/trusted-issuer.ts";

export interface PublicKey {
  readonly keyId: string | undefined;
  /** What fits its type, curve, `alg`, `use` and `key_ops`; never empty. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly material: KeyMaterial;
}

export type KeyMaterial =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: "P-256" | "P-384"; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };

export function parsePublicKey(jwk: JsonObject): PublicKey | undefined {
  const { kid: keyId, use, key_ops: operations } = jwk;
  if (keyId !== undefined && typeof keyId !== "string") return undefined;
  if (use !== undefined && use !== "sig") return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  if (jwk["d"] !== undefined || jwk["k"] !== undefined) return undefined;
  const material = parseMaterial(jwk);
  if (material === undefined) return undefined;
  const declared = jwk["alg"];
  const algorithms = algorithmsOf(material).filter((algorithm) => declared === undefined || declared === algorithm);
  return algorithms.length === 0 ? undefined : { keyId, algorithms, material };
}

function parseMaterial({ kty, crv, x, y, n, e }: JsonObject): KeyMaterial | undefined {
  if (kty === "RSA" && isText(n) && isText(e)) return isSoundRsa(n, e) ? { kty, n, e } : undefined;
  if (kty === "EC" && crv === "P-256" && isBytes(x, 32) && isBytes(y, 32)) return { kty, crv, x, y };
  if (kty === "EC" && crv === "P-384" && isBytes(x, 48) && isBytes(y, 48)) return { kty, crv, x, y };
  if (kty === "OKP" && crv === "Ed25519" && isBytes(x, 32)) return { kty, crv, x };
  return undefined;
}

/** Below 2048 bits is forgeable (RFC 7518 §3.3); a huge modulus or exponent makes each verification a denial of service. */
function isSoundRsa(n: string, e: string): boolean {
  const modulus = bytesFromBase64Url(n);
  const exponent = bytesFromBase64Url(e);
  if (modulus === undefined || exponent === undefined) return false;
  const highestBitIsSet = (modulus[0] ?? 0) >= 0x80;
  const isOdd = (exponent.at(-1) ?? 0) % 2 === 1;
  const isAboveOne = exponent.length > 1 || (exponent[0] ?? 0) > 1;
  const longEnough = modulus.length > 256 || (modulus.length === 256 && highestBitIsSet);
  return longEnough && modulus.length <= 1024 && exponent.length <= 4 && isOdd && isAboveOne;
}

function algorithmsOf(material: KeyMaterial): readonly SignatureAlgorithm[] {
  switch (material.kty) {
    case "RSA":
      return ["RS256", "PS256"];
    case "EC":
      return material.crv === "P-256" ? ["ES256"] : ["ES384"];
    case "OKP":
      // One signature under its old and its new name (RFC 9864 §2.2).
      return ["EdDSA", "Ed25519"];
    default:
      return unreachable(material);
  }
}

const isText = (value: unknown): value is string => typeof value === "string";

const isBytes = (value: unknown, length: number): value is string =>
  isText(value) && bytesFromBase64Url(value)?.length === length;
