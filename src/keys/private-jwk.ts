/**
 * Parses one private key (RFC 7517, RFC 7518 §6, RFC 8037). The algorithm follows from the key, the key id is its
 * thumbprint (RFC 7638), and the public half is built from an allow-list, so that no private member can be published.
 */
import { calculateJwkThumbprint } from "jose";
import { bytesFromBase64Url } from "../kernel/base64url.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { ok, type Result } from "../kernel/result.ts";
import { Redacted } from "../kernel/redacted.ts";
import type { KeyRingFault } from "./fault.ts";
import { fault, isMembers, type Members } from "./ring-json.ts";
import type { SigningAlgorithm } from "./signing-primitive.ts";

export interface SigningKey {
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateJwk: Redacted<JsonObject>;
  /** As published: with `kid`, `alg` and `use`. */
  readonly publicJwk: JsonObject;
}

interface KeyShape {
  readonly algorithm: SigningAlgorithm;
  readonly fixed: Readonly<Record<string, string>>;
  readonly publicMembers: readonly string[];
  readonly privateMembers: readonly string[];
}

const shapes: readonly KeyShape[] = [
  { algorithm: "ES256", fixed: { kty: "EC", crv: "P-256" }, publicMembers: ["x", "y"], privateMembers: ["d"] },
  { algorithm: "EdDSA", fixed: { kty: "OKP", crv: "Ed25519" }, publicMembers: ["x"], privateMembers: ["d"] },
  {
    algorithm: "RS256",
    fixed: { kty: "RSA" },
    publicMembers: ["n", "e"],
    privateMembers: ["d", "p", "q", "dp", "dq", "qi"],
  },
];
const harmless = ["alg", "use", "kid", "key_ops", "ext"];
/** NIST SP 800-131A: smaller RSA keys are not for signing. */
const minRsaBytes = 256;

export async function parsePrivateJwk(value: unknown, path: string): Promise<Result<SigningKey, KeyRingFault>> {
  if (!isMembers(value)) return fault(path, "must be a private key as a JWK object");
  const shape = shapes.find(({ fixed }) => Object.entries(fixed).every(([name, text]) => value[name] === text));
  if (shape === undefined) return fault(path, "must be EC P-256, OKP Ed25519 or RSA");
  const problem = problemOfMembers(value, shape);
  if (problem !== undefined) return fault(path, problem);
  const publicPart = { ...shape.fixed, ...pick(value, shape.publicMembers) };
  const keyId = await calculateJwkThumbprint(publicPart);
  if (value["kid"] !== undefined && value["kid"] !== keyId)
    return fault(`${path}.kid`, "is not the key's RFC 7638 thumbprint; leave it out, it is computed");
  return ok({
    keyId,
    algorithm: shape.algorithm,
    privateJwk: new Redacted<JsonObject>({ ...publicPart, ...pick(value, shape.privateMembers) }, "signing key"),
    publicJwk: { ...publicPart, kid: keyId, alg: shape.algorithm, use: "sig" },
  });
}

function problemOfMembers(jwk: Members, shape: KeyShape): string | undefined {
  const members = [...shape.publicMembers, ...shape.privateMembers];
  const known = [...members, ...Object.keys(shape.fixed), ...harmless];
  if (Object.keys(jwk).some((name) => !known.includes(name))) return "has a member that such a key does not have";
  if (jwk["alg"] !== undefined && jwk["alg"] !== shape.algorithm)
    return `must have the algorithm ${shape.algorithm}, or none`;
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") return "must be a key for signatures";
  for (const name of members) {
    const text = jwk[name];
    const bytes = typeof text === "string" ? bytesFromBase64Url(text) : undefined;
    if (bytes === undefined || bytes.length === 0) return `needs the member ${name} in base64url`;
    if (shape.algorithm !== "RS256" && bytes.length !== 32) return `needs a member ${name} of 32 bytes`;
    if (name === "n" && bytes.length < minRsaBytes) return "must have at least 2048 bits";
  }
  return undefined;
}

const pick = (jwk: Members, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, String(jwk[name])]));
