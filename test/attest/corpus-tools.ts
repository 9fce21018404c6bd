/** What the rows build tokens from: the issuer's keys, an attacker's, and ways to write what no library would. */
import { seconds } from "../../src/kernel/time.ts";
import { createTestKey, encode, signTexts, type Attestation, type TestKey } from "../support/issuer.ts";
import { subject, audience, type World } from "./world.ts";

export type KeyName =
  | "ES256"
  | "ES384"
  | "RS256"
  | "PS256"
  | "EdDSA"
  | "Ed25519"
  | "anyRsa"
  | "anyEdwards"
  | "encryption";

export interface CorpusTools {
  readonly keys: Readonly<Record<KeyName, TestKey>>;
  /** Never published by the trusted issuer. */
  readonly attackerKey: TestKey;
  readonly attackerUrl: string;
  readonly otherIssuer: { readonly url: string; readonly key: TestKey };
  readonly issuerUrl: string;
  /** NumericDate of the run. */
  readonly now: number;
  /** A good token but for what the row changes. Signed with ES256 unless told. */
  readonly attest: (wish?: Partial<Attestation>) => string;
  /** A token of exactly these JSON texts. */
  readonly signed: (header: string, claims: string, key?: TestKey) => string;
  /** The texts of a good token, to be spoiled. */
  readonly header: (more?: Readonly<Record<string, unknown>>) => string;
  readonly claims: (more?: Readonly<Record<string, unknown>>) => string;
}

/** Publishes the keys that the rows name, and trusts a second issuer with keys of its own. */
export function prepareCorpus(world: World): CorpusTools {
  const { issuer, attacker, clock } = world;
  const publish = (algorithm: TestKey["algorithm"]): TestKey => issuer.addKey(algorithm, `kid-${algorithm}`);
  const keys = {
    RS256: publish("RS256"),
    PS256: publish("PS256"),
    ES384: publish("ES384"),
    EdDSA: publish("EdDSA"),
    Ed25519: publish("Ed25519"),
    anyRsa: issuer.addKey("RS256", "kid-any-rsa"),
    anyEdwards: issuer.addKey("Ed25519", "kid-any-edwards"),
    encryption: issuer.addKey("ES256", "kid-enc"),
    ES256: publish("ES256"),
  };
  issuer.removeKey("key-1");
  spoil(keys.anyRsa, { alg: undefined, use: undefined });
  spoil(keys.anyEdwards, { alg: undefined });
  spoil(keys.encryption, { use: "enc" });
  const otherKey = attacker.addKey("ES256", "kid-of-the-other");
  const trustedUrl = `${attacker.url}/trusted`;
  world.trusted.set(trustedUrl, {
    ...world.facts,
    issuer: trustedUrl,
    keys: { kind: "url", url: `${attacker.url}/keys` },
    maxLifetimeSeconds: seconds(600),
  });
  const now = Math.floor(clock.now() / 1000);
  const claims = { iss: issuer.url, sub: subject, aud: audience, iat: now, exp: now + 300 };
  return {
    keys,
    attackerKey: createTestKey("ES256", keys.ES256.keyId),
    attackerUrl: attacker.url,
    otherIssuer: { url: trustedUrl, key: otherKey },
    issuerUrl: issuer.url,
    now,
    attest: (wish) => world.attest({ key: keys.ES256, ...wish }),
    signed: (header, body, key = keys.ES256) => signTexts(header, body, key),
    header: (more) => JSON.stringify({ alg: "ES256", kid: keys.ES256.keyId, ...more }),
    claims: (more) => JSON.stringify({ ...claims, ...more }),
  };
}

/** Changes what the issuer publishes about a key. */
function spoil(key: TestKey, members: Readonly<Record<string, unknown>>): void {
  Object.assign(key.publicJwk, members);
}

/** Replaces one of the three parts of a token. */
export function withPart(token: string, index: 0 | 1 | 2, part: string): string {
  return token.split(".").with(index, part).join(".");
}

export const unsigned = (header: string, claims: string): string => `${encode(header)}.${encode(claims)}.`;
