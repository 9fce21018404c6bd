/** Rows about algorithm, type and the header members that would let a token choose its own key. */
import { createHmac } from "node:crypto";
import { encode } from "../support/issuer.ts";
import type { Row } from "./corpus.ts";
import { unsigned, type CorpusTools } from "./corpus-tools.ts";

const allAlgorithms = ["ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"] as const;

const algorithm = (name: string, token: Row["token"], facts?: Row["facts"]): Row =>
  facts === undefined ? { name, verdict: "algorithm", token } : { name, verdict: "algorithm", token, facts };

/** The classic: a public key, which everyone has, used as the secret of a MAC. */
function macWith(secret: string | Buffer, { claims, keys }: CorpusTools): string {
  const text = `${encode(JSON.stringify({ alg: "HS256", kid: keys.RS256.keyId }))}.${encode(claims())}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

const pemOf = ({ keys }: CorpusTools): Buffer =>
  Buffer.from(keys.RS256.publicKey.export({ type: "spki", format: "pem" }));

const algorithmRows: readonly Row[] = [
  ...allAlgorithms.map((name): Row => ({
    name: `alg: ${name} listed`,
    verdict: "accepted",
    facts: { algorithms: [name] },
    token: ({ attest, keys }) => attest({ key: keys[name] }),
  })),
  ...allAlgorithms.map((name) =>
    algorithm(`alg: ${name} not listed`, ({ attest, keys }) => attest({ key: keys[name] }), {
      algorithms: allAlgorithms.filter((other) => other !== name),
    }),
  ),
  ...["none", "None", "NONE", "nOnE", "none ", ""].flatMap((alg) => [
    algorithm(`alg: ${JSON.stringify(alg)} unsigned`, ({ claims }) => unsigned(JSON.stringify({ alg }), claims())),
    algorithm(`alg: ${JSON.stringify(alg)} with a signature`, ({ attest }) => attest({ header: { alg } })),
  ]),
  algorithm("alg: HS256 with the RSA public key as secret", (tools) => macWith(pemOf(tools), tools), {
    algorithms: ["RS256", "ES256"],
  }),
  algorithm(
    "alg: HS256 with the modulus as secret",
    (tools) => macWith(tools.keys.RS256.publicKey.export({ format: "jwk" }).n ?? "", tools),
    { algorithms: ["RS256", "ES256"] },
  ),
  algorithm("alg: PBES2 in three parts", ({ attest }) =>
    attest({ header: { alg: "PBES2-HS256+A128KW", p2c: 2 ** 31 - 1 } }),
  ),
  algorithm("alg: missing", ({ attest }) => attest({ header: { alg: undefined } })),
  algorithm("alg: a number", ({ attest }) => attest({ header: { alg: 256 } })),
  algorithm("alg: a list", ({ attest }) => attest({ header: { alg: ["ES256"] } })),
  algorithm("alg: other case", ({ attest }) => attest({ header: { alg: "es256" } })),
  algorithm("alg: ES256 named for an RSA key", ({ attest, keys }) => attest({ header: { kid: keys.RS256.keyId } }), {
    algorithms: ["RS256", "ES256"],
  }),
  algorithm(
    "alg: RS256 named for an EC key",
    ({ attest, keys }) => attest({ key: keys.RS256, header: { kid: keys.ES256.keyId } }),
    { algorithms: ["RS256", "ES256"] },
  ),
  algorithm("alg: ES256 named for a P-384 key", ({ attest, keys }) => attest({ header: { kid: keys.ES384.keyId } }), {
    algorithms: ["ES256", "ES384"],
  }),
  algorithm(
    "alg: PS256 on a key for RS256",
    ({ attest, keys }) => attest({ key: { ...keys.RS256, algorithm: "PS256" } }),
    { algorithms: ["RS256", "PS256"] },
  ),
  {
    name: "alg: PS256 on a key for any RSA",
    verdict: "accepted",
    facts: { algorithms: ["PS256"] },
    token: ({ attest, keys }) => attest({ key: { ...keys.anyRsa, algorithm: "PS256" } }),
  },
  {
    name: "alg: RS256 signature under the name PS256",
    verdict: "signature",
    facts: { algorithms: ["PS256", "RS256"] },
    token: ({ attest, keys }) => attest({ key: keys.anyRsa, header: { alg: "PS256" } }),
  },
  ...(["EdDSA", "Ed25519"] as const).flatMap((alg): Row[] => {
    const other = alg === "EdDSA" ? "Ed25519" : "EdDSA";
    const facts = { algorithms: [alg] };
    return [
      algorithm(
        `alg: ${alg} on a key for ${other}`,
        ({ attest, keys }) => attest({ key: keys[other], header: { alg } }),
        facts,
      ),
      {
        name: `alg: ${alg} on a key for either`,
        verdict: "accepted",
        facts,
        token: ({ attest, keys }) => attest({ key: keys.anyEdwards, header: { alg } }),
      },
    ];
  }),
  algorithm(
    "alg: EdDSA where Ed25519 is listed",
    ({ attest, keys }) => attest({ key: keys.Ed25519, header: { alg: "EdDSA" } }),
    { algorithms: ["Ed25519"] },
  ),
];

const foreignTypes = [
  "at+jwt",
  "logout+jwt",
  "secevent+jwt",
  "dpop+jwt",
  "wit+jwt",
  "wpt+jwt",
  "client-authentication+jwt",
  "JWE",
  "jwt+x",
  "",
  1,
  null,
  ["JWT"],
];

const typeRows: readonly Row[] = [
  ...[undefined, "JWT", "jwt", "application/jwt", "APPLICATION/JWT"].map((typ): Row => ({
    name: `typ: ${typ}`,
    verdict: "accepted",
    token: ({ attest }) => attest({ header: { typ } }),
  })),
  ...foreignTypes.map((typ): Row => ({
    name: `typ: ${JSON.stringify(typ)}`,
    verdict: "type",
    token: ({ attest }) => attest({ header: { typ } }),
  })),
  {
    name: "typ: application/at+jwt",
    verdict: "type",
    token: ({ attest }) => attest({ header: { typ: "application/at+jwt" } }),
  },
  {
    name: "typ: at+jwt listed",
    verdict: "accepted",
    facts: { types: ["at+jwt"] },
    token: ({ attest }) => attest({ header: { typ: "application/AT+JWT" } }),
  },
  {
    name: "typ: another than the listed",
    verdict: "type",
    facts: { types: ["at+jwt"] },
    token: ({ attest }) => attest({ header: { typ: "logout+jwt" } }),
  },
  {
    name: "typ: JWT beside a listed one",
    verdict: "accepted",
    facts: { types: ["at+jwt"] },
    token: ({ attest }) => attest(),
  },
  {
    name: "typ: JWT on a security event",
    verdict: "type",
    token: ({ attest }) => attest({ claims: { events: { "http://schemas.openid.net/event/backchannel-logout": {} } } }),
  },
];

const steeringRows: readonly Row[] = ["jku", "x5u"].flatMap((member): Row[] => [
  {
    name: `${member}: ignored on a good token`,
    verdict: "accepted",
    token: ({ attest, attackerUrl }) => attest({ header: { [member]: `${attackerUrl}/keys` } }),
  },
  {
    name: `${member}: of the attacker's keys`,
    verdict: "signature",
    token: ({ attest, attackerUrl, attackerKey }) =>
      attest({ key: attackerKey, header: { [member]: `${attackerUrl}/keys` } }),
  },
  {
    name: `${member}: with a kid of the attacker`,
    verdict: "unknown_key",
    token: ({ attest, attackerUrl, attackerKey }) =>
      attest({ key: attackerKey, header: { kid: "mine", [member]: `${attackerUrl}/keys` } }),
  },
]);

const embeddedRows: readonly Row[] = [
  {
    name: "jwk: ignored on a good token",
    verdict: "accepted",
    token: ({ attest, attackerKey }) => attest({ header: { jwk: attackerKey.publicJwk } }),
  },
  {
    name: "jwk: the attacker's own",
    verdict: "signature",
    token: ({ attest, attackerKey }) => attest({ key: attackerKey, header: { jwk: attackerKey.publicJwk } }),
  },
  {
    name: "jwk: the attacker's own, no kid",
    verdict: "signature",
    facts: { algorithms: ["ES384", "ES256"] },
    token: ({ attest, attackerKey }) =>
      attest({ key: attackerKey, header: { kid: undefined, jwk: attackerKey.publicJwk } }),
  },
  {
    name: "x5c: a certificate of the attacker",
    verdict: "signature",
    token: ({ attest, attackerKey }) => attest({ key: attackerKey, header: { x5c: ["MIIB"] } }),
  },
];

export const headerRows: readonly Row[] = [...algorithmRows, ...typeRows, ...steeringRows, ...embeddedRows];
