/** Which entries of a key set are keys for verifying, and for what. */
import { describe, expect, it } from "vitest";
import { parsePublicKey } from "../../src/attest/public-key.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { createTestKey, encode } from "../support/issuer.ts";

const ec = createTestKey("ES256", "ec").publicJwk;
const rsa = createTestKey("RS256", "rsa").publicJwk;
const ed = createTestKey("Ed25519", "ed").publicJwk;
const weakRsa = createTestKey("RS256", "weak", 1024).publicJwk;
const without = (jwk: JsonObject, ...names: string[]): JsonObject => ({
  ...jwk,
  ...Object.fromEntries(names.map((name) => [name, undefined])),
});
const modulus = (bytes: number, first: number): string => encode(Buffer.alloc(bytes, 1).fill(first, 0, 1));

describe("public key: may be used for", () => {
  it.each<[string, JsonObject, readonly string[]]>([
    ["P-256", ec, ["ES256"]],
    ["P-256 without alg", without(ec, "alg"), ["ES256"]],
    ["P-256 without use", without(ec, "use"), ["ES256"]],
    ["P-256 with key_ops verify", { ...ec, key_ops: ["verify"] }, ["ES256"]],
    ["P-256 without kid", without(ec, "kid"), ["ES256"]],
    ["P-384", createTestKey("ES384", "k").publicJwk, ["ES384"]],
    ["RSA for RS256", rsa, ["RS256"]],
    ["RSA for PS256", { ...rsa, alg: "PS256" }, ["PS256"]],
    ["RSA without alg", without(rsa, "alg"), ["RS256", "PS256"]],
    ["RSA of 8192 bits", { ...rsa, n: modulus(1024, 0x80) }, ["RS256"]],
    ["RSA with exponent 3", { ...rsa, e: "Aw" }, ["RS256"]],
    ["Ed25519", ed, ["Ed25519"]],
    ["Ed25519 under its old name", { ...ed, alg: "EdDSA" }, ["EdDSA"]],
    ["Ed25519 without alg", without(ed, "alg"), ["EdDSA", "Ed25519"]],
  ])("%s", (_, jwk, algorithms) => expect(parsePublicKey(jwk)?.algorithms).toEqual(algorithms));
});

describe("public key: is none", () => {
  it.each<[string, JsonObject]>([
    ["for encryption", { ...ec, use: "enc" }],
    ["for signing only", { ...ec, key_ops: ["sign"] }],
    ["key_ops as a text", { ...ec, key_ops: "verify" }],
    ["with its private part", { ...ec, d: "AAAA" }],
    ["symmetric", { kty: "oct", k: "AAAA", alg: "HS256" }],
    ["an RSA key with a secret in it", { ...rsa, k: "AAAA" }],
    ["alg of another curve", { ...ec, alg: "ES384" }],
    ["alg of another type", { ...rsa, alg: "ES256" }],
    ["alg RS512", { ...rsa, alg: "RS512" }],
    ["alg none", { ...rsa, alg: "none" }],
    ["an unknown type", { ...ec, kty: "AKP" }],
    ["type in other case", { ...ec, kty: "ec" }],
    ["secp256k1", { ...ec, crv: "secp256k1" }],
    ["X25519", { ...ed, crv: "X25519" }],
    ["Ed448", { ...ed, crv: "Ed448" }],
    ["kid as a number", { ...ec, kid: 1 }],
    ["without y", without(ec, "y")],
    ["x too short", { ...ec, x: "AAAA" }],
    ["x padded", { ...ec, x: "A".repeat(43) + "=" }],
    ["RSA of 1024 bits", weakRsa],
    ["RSA of 2047 bits", { ...rsa, n: modulus(256, 0x7f) }],
    ["RSA of 8200 bits", { ...rsa, n: modulus(1025, 0x80) }],
    ["RSA with exponent 1", { ...rsa, e: "AQ" }],
    ["RSA with an even exponent", { ...rsa, e: "AQAA" }],
    ["RSA with an exponent of 40 bits", { ...rsa, e: "AQAAAAE" }],
    ["RSA without exponent", { ...rsa, e: "" }],
  ])("%s", (_, jwk) => expect(parsePublicKey(jwk)).toBeUndefined());
});
