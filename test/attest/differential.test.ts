/**
 * Two judges that no one here wrote: whatever the attestor accepts, jose accepts too, and the native signature check
 * gives jose's verdict on every signature, spoiled in any way.
 */
import { constants, sign } from "node:crypto";
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SignatureAlgorithm } from "../../src/domain/trusted-issuer.ts";
import { parsePublicKey, type PublicKey } from "../../src/attest/public-key.ts";
import { createJoseVerifier } from "../../src/attest/verify-signature.ts";
import { createNodeVerifier } from "../../src/entry/node-signature.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { addMillis } from "../../src/kernel/time.ts";
import { createTestKey, signTexts, type TestKey } from "../support/issuer.ts";
import { corpus, type Row } from "./corpus.ts";
import { prepareCorpus, type CorpusTools } from "./corpus-tools.ts";
import { audience, createWorld, verify, type World } from "./world.ts";

let world: World;
let tools: CorpusTools;

beforeAll(async () => {
  world = await createWorld();
  tools = prepareCorpus(world);
});
afterAll(() => world.close());

const fromOtherIssuer = (row: Row): boolean => row.name === "iss: of another trusted issuer, its own key";

async function acceptedByJose(row: Row, token: string): Promise<boolean> {
  const published = fromOtherIssuer(row) ? world.attacker.keySet() : world.issuer.keySet();
  try {
    await jwtVerify(token, createLocalJWKSet(published as unknown as JSONWebKeySet), {
      issuer: fromOtherIssuer(row) ? tools.otherIssuer.url : world.issuer.url,
      audience,
      algorithms: [...(row.facts?.algorithms ?? world.facts.algorithms)],
      clockTolerance: 30,
      currentDate: new Date(addMillis(world.clock.now(), row.laterMillis ?? 0)),
      requiredClaims: ["exp", "iat", "sub"],
    });
    return true;
  } catch {
    return false;
  }
}

describe("attestor and jose", () => {
  const decided = corpus.filter((row) => row.verdict === "accepted" || row.verdict === "signature");

  it.each(decided)("agree on $name: $verdict", async (row) => {
    expect(await acceptedByJose(row, row.token(tools))).toBe(row.verdict === "accepted");
  });

  it("accept nothing that was changed anywhere", async () => {
    const token = tools.attest();
    const attestor = world.attestor({ facts: { types: ["at+jwt"] } });
    const letters = fc.constantFrom(
      ...`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ {"\n\0é`.split(""),
    );
    const change = fc.record({ at: fc.nat(token.length - 1), letter: letters, remove: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const mutated = changes.reduce(
          (text, { at, letter, remove }) => text.slice(0, at) + letter + text.slice(at + remove),
          token,
        );
        fc.pre(mutated !== token);
        expect(await verify(attestor, mutated, world.clock.now())).not.toBe("accepted");
      }),
      { numRuns: 500 },
    );
  });
});

const jose = createJoseVerifier();
const node = createNodeVerifier();

function publicKeyOf(key: TestKey, changes: JsonObject = {}): PublicKey {
  const parsed = parsePublicKey({ ...key.publicJwk, ...changes });
  if (parsed === undefined) throw new Error("not a usable key");
  return parsed;
}

interface Signed {
  readonly algorithm: SignatureAlgorithm;
  readonly key: PublicKey;
  readonly text: string;
  readonly signature: Uint8Array;
}

async function verdictOfBoth(signed: Signed): Promise<boolean> {
  const verdicts = { jose: await jose(signed), node: await node(signed) };
  expect(verdicts).toEqual({ jose: verdicts.node, node: verdicts.node });
  return verdicts.node;
}

function signedBy(key: TestKey): Signed {
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

describe.each(["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"] as const)(
  "signatures: %s, native and jose",
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

describe("signatures: the corners of PS256, native and jose", () => {
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

/** The order of P-256: (r, s) and (r, order - s) are both good, so a signature must never name a token. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex");

describe("signatures: the corners of ES256, native and jose", () => {
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
