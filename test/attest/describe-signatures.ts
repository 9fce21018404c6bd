/**
 * Two judges of signatures, on every algorithm, with signatures spoiled in any way: their verdicts are the same, and only
 * a good one passes.
 */
import { constants, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePublicKey, type PublicKey } from "../../src/attest/public-key.ts";
import type { SignedText, VerifySignature } from "../../src/attest/verify-signature.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { createTestKey, signTexts, type TestKey } from "../support/issuer.ts";

function publicKeyOf(key: TestKey, changes: JsonObject = {}): PublicKey {
  const parsed = parsePublicKey({ ...key.publicJwk, ...changes });
  if (parsed === undefined) throw new Error("not a usable key");
  return parsed;
}

function signedBy(key: TestKey): SignedText {
  const token = signTexts(JSON.stringify({ alg: key.algorithm }), `{"sub":"a"}`, key);
  const end = token.lastIndexOf(".");
  return {
    algorithm: key.algorithm,
    key: publicKeyOf(key),
    text: token.slice(0, end),
    signature: Buffer.from(token.slice(end + 1), "base64url"),
  };
}

/** Spoils a signature: bits flipped, bytes cut off, bytes added, halves swapped, or all of it made up. */
const spoilings = fc.oneof(
  fc.record({ at: fc.nat(255), bit: fc.nat(7) }).map(
    ({ at, bit }) =>
      (bytes: Uint8Array) =>
        bytes.map((byte, index) => (index === at % bytes.length ? byte ^ (1 << bit) : byte)),
  ),
  fc.nat(255).map((length) => (bytes: Uint8Array) => bytes.subarray(0, length % bytes.length)),
  fc
    .uint8Array({ minLength: 1, maxLength: 8 })
    .map((more) => (bytes: Uint8Array) => Uint8Array.from([...bytes, ...more])),
  fc
    .uint8Array({ minLength: 1, maxLength: 8 })
    .map((more) => (bytes: Uint8Array) => Uint8Array.from([...more, ...bytes])),
  fc.constant((bytes: Uint8Array) =>
    Uint8Array.from([...bytes.subarray(bytes.length / 2), ...bytes.subarray(0, bytes.length / 2)]),
  ),
  fc.uint8Array({ minLength: 64, maxLength: 64 }).map((other) => () => other),
  fc.constantFrom(0, 1, 255).map((value) => (bytes: Uint8Array) => bytes.map(() => value)),
);

/** The order of P-256: (r, s) and (r, order - s) are both good, so a signature must never name a token. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex");

export function describeSignatures(names: string, one: VerifySignature, other: VerifySignature): void {
  async function verdictOfBoth(signed: SignedText): Promise<boolean> {
    const verdicts = [await one(signed), await other(signed)];
    expect(verdicts).toEqual([verdicts[0], verdicts[0]]);
    return verdicts[0] === true;
  }

  describe.each(["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"] as const)(
    `signatures: %s, ${names}`,
    (algorithm) => {
      const good = signedBy(createTestKey(algorithm, "k"));

      it("accept a good one", async () => expect(await verdictOfBoth(good)).toBe(true));

      it("refuse a spoiled one", () =>
        fc.assert(
          fc.asyncProperty(spoilings, async (spoil) => {
            expect(await verdictOfBoth({ ...good, signature: spoil(good.signature) })).toBe(false);
          }),
          { numRuns: 100 },
        ));

      it("refuse another text and another key", async () => {
        expect(await verdictOfBoth({ ...good, text: `${good.text}A` })).toBe(false);
        expect(await verdictOfBoth({ ...good, key: publicKeyOf(createTestKey(algorithm, "k")) })).toBe(false);
      });
    },
  );

  describe(`signatures: the corners of PS256, ${names}`, () => {
    const key = createTestKey("PS256", "k");
    const good = signedBy(key);

    it.each([
      { name: "a salt as long as the hash", saltLength: 32, verdict: true },
      { name: "no salt", saltLength: 0, verdict: false },
      { name: "a shorter salt", saltLength: 20, verdict: false },
      { name: "the longest salt", saltLength: 222, verdict: false },
    ])("agree on $name", async ({ saltLength, verdict }) => {
      const signature = sign("sha256", Buffer.from(good.text), {
        key: key.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      });
      expect(await verdictOfBoth({ ...good, signature })).toBe(verdict);
    });
  });

  describe(`signatures: the corners of ES256, ${names}`, () => {
    const good = signedBy(createTestKey("ES256", "k"));
    const [r, s] = [numberOf(good.signature.subarray(0, 32)), numberOf(good.signature.subarray(32))];

    it.each([
      { name: "the mirrored s", numbers: [r, order - s], verdict: true },
      { name: "r of zero", numbers: [0n, s], verdict: false },
      { name: "s of zero", numbers: [r, 0n], verdict: false },
      { name: "r at the order", numbers: [order, s], verdict: false },
      { name: "s beyond the order", numbers: [r, (order + s) % 2n ** 256n], verdict: false },
    ])("agree on $name", async ({ numbers, verdict }) => {
      expect(await verdictOfBoth({ ...good, signature: Buffer.concat(numbers.map(bytesOf)) })).toBe(verdict);
    });

    it("refuse every signature of a key that is no point of its curve", async () => {
      const y = Buffer.alloc(32, 1).toString("base64url");
      const key = publicKeyOf(createTestKey("ES256", "k"), { y });
      expect(await verdictOfBoth({ ...good, key })).toBe(false);
    });
  });
}
