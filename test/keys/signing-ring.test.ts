/** The signing ring against jose, with the portable and the native primitive: every token verifies, no other does. */
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT, calculateJwkThumbprint } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeSigning } from "../../src/entry/node-signing.ts";
import { generateSigningKeys } from "../../src/keys/generate.ts";
import { parseSigningKeys } from "../../src/keys/signing-keys.ts";
import { createSigningRing } from "../../src/keys/signing-ring.ts";
import { webSigning } from "../../src/keys/web-signing.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { epochMillis, type EpochMillis } from "../../src/kernel/time.ts";
import type { TokenSigner } from "../../src/ports/token-signer.ts";

type Jwk = Record<string, unknown>;
const algorithms = ["ES256", "EdDSA", "RS256"] as const;
const primitives = [
  { name: "web", primitive: webSigning },
  { name: "node", primitive: nodeSigning },
];
const now = epochMillis(1_800_000_000_000);
const jwks: Record<string, Jwk> = {};

async function freshJwk(algorithm: string): Promise<Jwk> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return await exportJWK(privateKey);
}

async function ringOf(
  keys: unknown,
  primitive = webSigning,
  clock: () => EpochMillis = () => now,
): Promise<TokenSigner> {
  const parsed = await parseSigningKeys(new Redacted(JSON.stringify({ keys }), "ring"));
  if (!parsed.ok) throw new Error(`${parsed.fault.path} ${parsed.fault.message}`);
  const ring = await createSigningRing({ keys: parsed.value, primitive, now: clock });
  if (!ring.ok) throw new Error(ring.fault.message);
  return ring.value;
}

const setOf = (ring: TokenSigner) => createLocalJWKSet({ keys: ring.publicKeys() as { kty: string }[] });

beforeAll(async () => {
  for (const name of [...algorithms, "second", "third"])
    jwks[name] = await freshJwk(name.length === 5 && name !== "third" ? name : "ES256");
});

describe.each(primitives)("signing ring, $name", ({ primitive }) => {
  it.each(algorithms)("%s: jose verifies every token, and so does the ring", async (algorithm) => {
    const ring = await ringOf([{ state: "active", jwk: jwks[algorithm] }], primitive);
    const keys = setOf(ring);
    const rounds = algorithm === "RS256" ? 8 : 120; // 120 ECDSA signatures meet each shape of DER integer
    for (let round = 0; round < rounds; round += 1) {
      const claims = { sub: "agent", round, text: round % 2 === 0 ? "plain" : "Grüße 🦋 \u0000" };
      const token = await ring.sign({ type: "at+jwt", claims });
      const { payload, protectedHeader } = await jwtVerify(token, keys, { typ: "at+jwt", algorithms: [algorithm] });
      expect(payload).toEqual(claims);
      expect(Object.keys(protectedHeader)).toEqual(["alg", "typ", "kid"]);
      expect(await ring.verify(token, "at+jwt")).toEqual(claims);
    }
  });

  it("refuses what is not, byte for byte, a token of this ring and typ", async () => {
    const ring = await ringOf([{ state: "active", jwk: jwks["ES256"] }], primitive);
    const token = await ring.sign({ type: "at+jwt", claims: { sub: "a" } });
    const [header = "", payload = "", signature = ""] = token.split(".");
    const other = await ring.sign({ type: "at+jwt", claims: { sub: "b" } });
    const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const parsed = JSON.parse(Buffer.from(header, "base64url").toString()) as Jwk;
    const rows: [string, string, string?][] = [
      ["another typ", token, "JWT"],
      ["a typ in other case", token, "AT+JWT"],
      ["another payload", `${header}.${other.split(".")[1]}.${signature}`],
      ["no signature", `${header}.${payload}.`],
      ["two parts", `${header}.${payload}`],
      ["four parts", `${token}.x`],
      ["a short signature", `${header}.${payload}.${signature.slice(0, 40)}`],
      ["padding", `${token}=`],
      ["zero r and s", `${header}.${payload}.${"A".repeat(86)}`],
      ["alg none", `${text({ ...parsed, alg: "none" })}.${payload}.`],
      ["a crit header", `${text({ ...parsed, crit: ["exp"] })}.${payload}.${signature}`],
      ["reordered header", `${text({ kid: parsed["kid"], typ: "at+jwt", alg: "ES256" })}.${payload}.${signature}`],
      ["an empty text", ""],
      ["a huge text", `${header}.${"A".repeat(20_000)}.${signature}`],
    ];
    expect(await ring.verify(token, "at+jwt")).toEqual({ sub: "a" });
    const accepted: string[] = [];
    for (const [name, forged, type] of rows) if (await ring.verify(forged, type ?? "at+jwt")) accepted.push(name);
    expect(accepted).toEqual([]);
  });

  it("refuses another key's token under our key id, and HMAC with our public key", async () => {
    const ring = await ringOf([{ state: "active", jwk: jwks["ES256"] }], primitive);
    const stranger = await generateKeyPair("ES256");
    const kid = ring.publicKeys()[0]?.["kid"] as string;
    const forged = await new SignJWT({ sub: "a" })
      .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid })
      .sign(stranger.privateKey);
    const secret = new TextEncoder().encode(JSON.stringify(ring.publicKeys()[0]));
    const confused = await new SignJWT({ sub: "a" })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid })
      .sign(secret);
    expect(await ring.verify(forged, "at+jwt")).toBeUndefined();
    expect(await ring.verify(confused, "at+jwt")).toBeUndefined();
  });

  it("refuses a key whose halves do not fit", async () => {
    const mixed = { ...jwks["ES256"], d: jwks["second"]?.["d"] };
    const parsed = await parseSigningKeys(
      new Redacted(JSON.stringify({ keys: [{ state: "active", jwk: mixed }] }), "ring"),
    );
    if (!parsed.ok) throw new Error(parsed.fault.message);
    expect((await createSigningRing({ keys: parsed.value, primitive, now: () => now })).ok).toBe(false);
  });
});

describe("signing ring: rotation", () => {
  it("signs with the active key, accepts and publishes next and retired until their time", async () => {
    const [old, current, next] = [jwks["second"], jwks["ES256"], jwks["third"]];
    const before = await ringOf([{ state: "active", jwk: old }]);
    const oldToken = await before.sign({ type: "at+jwt", claims: { sub: "old" } });
    let clock = now;
    const acceptUntil = now / 1000 + 60;
    const entries = [
      { state: "retired", jwk: old, acceptUntil },
      { state: "active", jwk: current },
      { state: "next", jwk: next },
    ];
    const ring = await ringOf(entries, webSigning, () => clock);
    const kids = await Promise.all([old, current, next].map((jwk) => calculateJwkThumbprint(jwk as { kty: string })));

    const token = await ring.sign({ type: "at+jwt", claims: { sub: "now" } });
    expect((await jwtVerify(token, setOf(ring))).protectedHeader.kid).toBe(kids[1]);
    expect(ring.publicKeys().map((key) => key["kid"])).toEqual(kids);
    expect(await ring.verify(oldToken, "at+jwt")).toEqual({ sub: "old" });

    clock = epochMillis(acceptUntil * 1000);
    expect(ring.publicKeys().map((key) => key["kid"])).toEqual(kids.slice(1));
    expect(await ring.verify(oldToken, "at+jwt")).toBeUndefined();
    expect(await ring.verify(token, "at+jwt")).toEqual({ sub: "now" });
  });

  it("publishes public members only", async () => {
    const ring = await ringOf(algorithms.map((name, at) => ({ state: at === 0 ? "active" : "next", jwk: jwks[name] })));
    const members = new Set(ring.publicKeys().flatMap((key) => Object.keys(key)));
    expect([...members].sort()).toEqual(["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"]);
    for (const name of algorithms) expect(JSON.stringify(ring.publicKeys())).not.toContain(jwks[name]?.["d"]);
  });
});

describe("signing keys", () => {
  it("takes a generated ring", async () => {
    const keys = await parseSigningKeys(await generateSigningKeys());
    expect(keys.ok && keys.value.map(({ state, algorithm }) => [state, algorithm])).toEqual([["active", "ES256"]]);
  });

  const active = () => ({ state: "active", jwk: jwks["ES256"] });
  it.each<[string, () => unknown, string, string]>([
    ["no keys", () => ({}), "keys", "must be an array"],
    ["no active key", () => ({ keys: [{ state: "next", jwk: jwks["ES256"] }] }), "keys", "exactly one active"],
    ["two active keys", () => ({ keys: [active(), { state: "active", jwk: jwks["second"] }] }), "keys", "has 2"],
    ["one key twice", () => ({ keys: [active(), { state: "next", jwk: jwks["ES256"] }] }), "keys.1", "twice"],
    ["an unknown state", () => ({ keys: [{ ...active(), state: "old" }] }), "keys.0.state", "next, active or retired"],
    [
      "retired without time",
      () => ({ keys: [active(), { state: "retired", jwk: jwks["second"] }] }),
      "keys.1.acceptUntil",
      "whole seconds",
    ],
    [
      "milliseconds",
      () => ({ keys: [active(), { state: "retired", jwk: jwks["second"], acceptUntil: 1_800_000_000_000 }] }),
      "keys.1.acceptUntil",
      "whole seconds",
    ],
    [
      "a time on an active key",
      () => ({ keys: [{ ...active(), acceptUntil: 1_800_000_000 }] }),
      "keys.0.acceptUntil",
      "retired key only",
    ],
    ["an unknown member", () => ({ keys: [{ ...active(), note: "x" }] }), "keys.0", "besides state"],
    [
      "a public key",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["ES256"], d: undefined } }] }),
      "keys.0.jwk",
      "member d",
    ],
    [
      "a symmetric key",
      () => ({ keys: [{ state: "active", jwk: { kty: "oct", k: "AAAA" } }] }),
      "keys.0.jwk",
      "EC P-256",
    ],
    [
      "another curve",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["ES256"], crv: "P-384" } }] }),
      "keys.0.jwk",
      "EC P-256",
    ],
    [
      "another algorithm",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["ES256"], alg: "HS256" } }] }),
      "keys.0.jwk",
      "ES256",
    ],
    [
      "a key for encryption",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["ES256"], use: "enc" } }] }),
      "keys.0.jwk",
      "for signatures",
    ],
    [
      "a chosen key id",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["ES256"], kid: "mine" } }] }),
      "keys.0.jwk.kid",
      "thumbprint",
    ],
    [
      "a small RSA key",
      () => ({ keys: [{ state: "active", jwk: { ...jwks["RS256"], n: "AQAB" } }] }),
      "keys.0.jwk",
      "2048",
    ],
  ])("refuses %s", async (_, ring, path, message) => {
    const text = JSON.stringify(ring());
    const parsed = await parseSigningKeys(new Redacted(text, "ring"));
    expect(parsed).toEqual({ ok: false, fault: { path, message: expect.stringContaining(message) } });
    expect(JSON.stringify(parsed)).not.toContain(jwks["ES256"]?.["d"]);
  });
});
