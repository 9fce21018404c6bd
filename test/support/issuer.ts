/**
 * An issuer of attestations for tests: its own keys, any header and any claims, well-formed or not. Works without a
 * network; `startIssuer` beside this file puts one behind a real server.
 */
import { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { SignatureAlgorithm } from "../../src/domain/trusted-issuer.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { toNumericDate, type EpochMillis } from "../../src/kernel/time.ts";
import { unreachable } from "../../src/kernel/unreachable.ts";

export interface TestKey {
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  readonly publicJwk: JsonObject;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Attestation {
  readonly subject: string;
  readonly audience: string;
  readonly now: EpochMillis;
  /** 300 unless told. */
  readonly lifetimeSeconds?: number;
  /** Added to the usual claims or replacing them; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** The newest key unless told. */
  readonly key?: TestKey;
}

export interface TestIssuer {
  readonly url: string;
  /** Adds a key to the published set; new attestations are signed with it. */
  readonly addKey: (algorithm: SignatureAlgorithm, keyId?: string) => TestKey;
  readonly removeKey: (keyId: string) => void;
  /** What the issuer publishes: a JWK Set. */
  readonly keySet: () => JsonObject;
  readonly attest: (wish: Attestation) => string;
}

export function createTestIssuer(url: string, algorithm: SignatureAlgorithm = "ES256"): TestIssuer {
  const keys: TestKey[] = [];
  let made = 0;
  const addKey: TestIssuer["addKey"] = (wanted, keyId) => {
    made += 1;
    const key = createTestKey(wanted, keyId ?? `key-${made}`);
    keys.push(key);
    return key;
  };
  addKey(algorithm);
  return {
    url,
    addKey,
    removeKey: (keyId) => {
      const index = keys.findIndex((key) => key.keyId === keyId);
      if (index >= 0) keys.splice(index, 1);
    },
    keySet: () => ({ keys: keys.map((key) => key.publicJwk) }),
    attest: (wish) => {
      const key = wish.key ?? keys.at(-1);
      if (key === undefined) throw new Error("the issuer has no key left");
      const issuedAt = toNumericDate(wish.now);
      const claims = {
        iss: url,
        sub: wish.subject,
        aud: wish.audience,
        iat: issuedAt,
        exp: issuedAt + (wish.lifetimeSeconds ?? 300),
        ...wish.claims,
      };
      const header = { alg: key.algorithm, kid: key.keyId, typ: "JWT", ...wish.header };
      return signTexts(JSON.stringify(header), JSON.stringify(claims), key);
    },
  };
}

export function createTestKey(algorithm: SignatureAlgorithm, keyId: string, rsaBits = 2048): TestKey {
  const { publicKey, privateKey } = generate(algorithm, rsaBits);
  const publicJwk = { ...publicKey.export({ format: "jwk" }), kid: keyId, alg: algorithm, use: "sig" } as JsonObject;
  return { keyId, algorithm, publicJwk, publicKey, privateKey };
}

function generate(algorithm: SignatureAlgorithm, rsaBits: number) {
  switch (algorithm) {
    case "RS256":
    case "PS256":
      return generateKeyPairSync("rsa", { modulusLength: rsaBits });
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "ES384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" });
    case "EdDSA":
    case "Ed25519":
      return generateKeyPairSync("ed25519");
    default:
      return unreachable(algorithm);
  }
}

/** A compact token over exactly these texts, signed as the key's algorithm says, whatever the header claims. */
export function signTexts(header: string, claims: string, key: TestKey): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${signWith(key, Buffer.from(text)).toString("base64url")}`;
}

function signWith({ algorithm, privateKey: key }: TestKey, data: Buffer): Buffer {
  switch (algorithm) {
    case "RS256":
      return sign("sha256", data, key);
    case "PS256":
      return sign("sha256", data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    case "ES256":
      return sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
    case "ES384":
      return sign("sha384", data, { key, dsaEncoding: "ieee-p1363" });
    case "EdDSA":
    case "Ed25519":
      return sign(null, data, key);
    default:
      return unreachable(algorithm);
  }
}

export const encode = (text: string | Uint8Array): string => Buffer.from(text).toString("base64url");
