/** Rows about who signed: the issuer, the choice of its key, and the signature itself. */
import { encode } from "../support/issuer.ts";
import type { Row } from "./corpus.ts";
import { withPart } from "./corpus-tools.ts";

const issuerRows: readonly Row[] = [
  {
    name: "iss: of another trusted issuer, its own key",
    verdict: "accepted",
    token: ({ attest, otherIssuer }) => attest({ key: otherIssuer.key, claims: { iss: otherIssuer.url } }),
  },
  {
    name: "iss: ours, signed by another trusted issuer",
    verdict: "unknown_key",
    token: ({ attest, otherIssuer }) => attest({ key: otherIssuer.key }),
  },
  {
    name: "iss: of another trusted issuer, signed by ours",
    verdict: "unknown_key",
    token: ({ attest, otherIssuer }) => attest({ claims: { iss: otherIssuer.url } }),
  },
  {
    name: "iss: of another trusted issuer, beyond its own lifetime bound",
    verdict: "lifetime",
    token: ({ attest, otherIssuer }) =>
      attest({ key: otherIssuer.key, lifetimeSeconds: 601, claims: { iss: otherIssuer.url } }),
  },
  ...[
    ["unknown", (url: string) => url.replace("127.0.0.1", "127.0.0.2")],
    ["trailing slash", (url: string) => `${url}/`],
    ["other case", (url: string) => url.toUpperCase()],
    ["a longer path", (url: string) => `${url}/tenant`],
    ["a prefix", (url: string) => url.slice(0, -1)],
    ["missing", () => undefined],
    ["a number", () => 1],
    ["a list", (url: string) => [url]],
    ["empty", () => ""],
  ].map(([name, change]): Row => ({
    name: `iss: ${String(name)}`,
    verdict: "unknown_issuer",
    token: ({ attest, issuerUrl }) =>
      attest({ claims: { iss: typeof change === "function" ? change(issuerUrl) : change } }),
  })),
];

const choiceRows: readonly Row[] = [
  { name: "kid: unknown", verdict: "unknown_key", token: ({ attest }) => attest({ header: { kid: "nobody" } }) },
  {
    name: "kid: of an encryption key",
    verdict: "unknown_key",
    token: ({ attest, keys }) => attest({ key: keys.encryption }),
  },
  {
    name: "kid: missing, one key fits",
    verdict: "accepted",
    token: ({ attest }) => attest({ header: { kid: undefined } }),
  },
  {
    name: "kid: missing, several keys fit",
    verdict: "unknown_key",
    facts: { algorithms: ["RS256"] },
    token: ({ attest, keys }) => attest({ key: keys.RS256, header: { kid: undefined } }),
  },
  ...[1, "", null, "k".repeat(257), ["kid-ES256"]].map((kid): Row => ({
    name: `kid: ${JSON.stringify(kid)?.slice(0, 20)}`,
    verdict: "malformed",
    token: ({ attest }) => attest({ header: { kid } }),
  })),
  {
    name: "kid: a path",
    verdict: "unknown_key",
    token: ({ attest }) => attest({ header: { kid: "../../keys/kid-ES256" } }),
  },
];

const signature = (name: string, token: Row["token"], facts?: Row["facts"]): Row =>
  facts === undefined ? { name, verdict: "signature", token } : { name, verdict: "signature", token, facts };
const bytesOf = (token: string): Buffer => Buffer.from(token.split(".")[2] ?? "", "base64url");
const withSignature = (token: string, bytes: Uint8Array): string => withPart(token, 2, encode(bytes));

/** Any P-256 signature in the DER form that OpenSSL speaks: not what JWS carries. */
function derOf(raw: Buffer): Buffer {
  const integer = (part: Buffer): Buffer => Buffer.concat([Buffer.from([0x02, 33, 0]), part]);
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

const signatureRows: readonly Row[] = [
  signature("signature: by a stranger's key", ({ attest, attackerKey }) => attest({ key: attackerKey })),
  signature("signature: empty", ({ attest }) => withPart(attest(), 2, "")),
  signature("signature: one byte short", ({ attest }) => withSignature(attest(), bytesOf(attest()).subarray(0, 63))),
  signature("signature: one byte long", ({ attest }) =>
    withSignature(attest(), Buffer.concat([bytesOf(attest()), Buffer.alloc(1)])),
  ),
  signature("signature: all zero", ({ attest }) => withSignature(attest(), Buffer.alloc(64))),
  signature("signature: all ones", ({ attest }) => withSignature(attest(), Buffer.alloc(64, 255))),
  signature("signature: r alone", ({ attest }) => withSignature(attest(), bytesOf(attest()).fill(0, 32))),
  signature("signature: in DER", ({ attest }) => withSignature(attest(), derOf(bytesOf(attest())))),
  signature("signature: r and s as 48 bytes each", ({ attest }) => {
    const token = attest();
    const raw = bytesOf(token);
    return withSignature(
      token,
      Buffer.concat([Buffer.alloc(16), raw.subarray(0, 32), Buffer.alloc(16), raw.subarray(32)]),
    );
  }),
  signature("signature: of another payload", ({ attest }) =>
    withPart(attest(), 2, attest({ subject: "admin" }).split(".")[2] ?? ""),
  ),
  signature("signature: payload swapped", ({ attest, claims }) =>
    withPart(attest(), 1, encode(claims({ sub: "admin" }))),
  ),
  signature("signature: header swapped", ({ attest, header }) => withPart(attest(), 0, encode(header({ typ: "jwt" })))),
  signature(
    "signature: ES384, one byte short",
    ({ attest, keys }) => {
      const token = attest({ key: keys.ES384 });
      return withSignature(token, bytesOf(token).subarray(0, 95));
    },
    { algorithms: ["ES384"] },
  ),
  signature(
    "signature: RS256, cut",
    ({ attest, keys }) => {
      const token = attest({ key: keys.RS256 });
      return withSignature(token, bytesOf(token).subarray(0, 255));
    },
    { algorithms: ["RS256"] },
  ),
  signature(
    "signature: RS256, zero byte in front",
    ({ attest, keys }) => {
      const token = attest({ key: keys.RS256 });
      return withSignature(token, Buffer.concat([Buffer.alloc(1), bytesOf(token)]));
    },
    { algorithms: ["RS256"] },
  ),
  signature(
    "signature: EdDSA, cut",
    ({ attest, keys }) => {
      const token = attest({ key: keys.EdDSA });
      return withSignature(token, bytesOf(token).subarray(0, 63));
    },
    { algorithms: ["EdDSA"] },
  ),
  signature(
    "signature: EdDSA, all zero",
    ({ attest, keys }) => withSignature(attest({ key: keys.EdDSA }), Buffer.alloc(64)),
    { algorithms: ["EdDSA"] },
  ),
];

export const keyRows: readonly Row[] = [...issuerRows, ...choiceRows, ...signatureRows];
