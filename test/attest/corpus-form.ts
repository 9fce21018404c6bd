/** Rows about the form of a token: size, parts, letters, JSON. None of these reaches a key. */
import { maxAttestationBytes } from "../../src/kernel/limits.ts";
import { encode } from "../support/issuer.ts";
import type { Row } from "./corpus.ts";
import { withPart, type CorpusTools } from "./corpus-tools.ts";

/** A good token of exactly this length; padding goes into a claim of its own. */
function tokenOfLength({ attest }: CorpusTools, length: number): string {
  for (let padding = 0; padding < length; padding += 1) {
    const guess = Math.max(0, Math.floor((length - attest({ claims: { pad: "" } }).length) * 0.75) - 2) + padding;
    const token = attest({ claims: { pad: "x".repeat(guess) } });
    if (token.length === length) return token;
    if (token.length > length) break;
  }
  throw new Error("no padding gives this length");
}

const malformed = (name: string, token: Row["token"]): Row => ({ name, verdict: "malformed", token });

export const formRows: readonly Row[] = [
  {
    name: "size: exactly at the cap",
    verdict: "accepted",
    token: (tools) => tokenOfLength(tools, maxAttestationBytes),
  },
  {
    name: "size: one above the cap",
    verdict: "too_large",
    token: ({ attest }) => attest().padEnd(maxAttestationBytes + 1, "A"),
  },
  { name: "size: a megabyte", verdict: "too_large", token: () => "a.".repeat(500_000) },

  { name: "parts: three", verdict: "accepted", token: ({ attest }) => attest() },
  malformed("parts: none", () => ""),
  malformed("parts: dots only", () => ".."),
  malformed("parts: two", ({ attest }) => attest().split(".").slice(0, 2).join(".")),
  malformed("parts: four", ({ attest }) => `${attest()}.AAAA`),
  malformed("parts: five, a JWE", ({ attest }) => `${attest()}.AAAA.AAAA`),
  malformed("parts: five, PBES2 with a huge count", ({ claims }) =>
    [
      encode(JSON.stringify({ alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2 ** 31 - 1, p2s: "AAAA" })),
      "AAAA",
      "AAAA",
      encode(claims()),
      "AAAA",
    ].join("."),
  ),
  malformed("parts: JSON serialization", ({ attest }) => {
    const [protectedHeader, payload, signature] = attest().split(".");
    return JSON.stringify({ protected: protectedHeader, payload, signature });
  }),
  malformed("parts: empty header", ({ attest }) => withPart(attest(), 0, "")),
  malformed("parts: empty payload", ({ attest }) => withPart(attest(), 1, "")),

  malformed("letters: padding", ({ attest }) => `${attest()}==`),
  malformed("letters: padded header", ({ signed, claims }) =>
    withPart(signed(`{"alg":"ES256"}`, claims()), 0, `${encode(`{"alg":"ES256"}`)}=`),
  ),
  malformed("letters: leading space", ({ attest }) => ` ${attest()}`),
  malformed("letters: newline at the end", ({ attest }) => `${attest()}\n`),
  malformed("letters: line break inside", ({ attest }) => attest().replace(".", ".\r\n")),
  malformed("letters: plus and slash", ({ attest }) => withPart(attest(), 2, "+/".repeat(43))),
  malformed("letters: stray bits at the end", ({ attest }) => `${attest().slice(0, -1)}B`),
  malformed("letters: beyond ASCII", ({ attest }) => attest().replace("e", "е")),
  malformed("letters: a NUL", ({ attest }) => `${attest()}\0`),

  malformed("JSON: header is no JSON", ({ signed, claims }) => signed("alg=ES256", claims())),
  malformed("JSON: header is a list", ({ signed, claims }) => signed(`["ES256"]`, claims())),
  malformed("JSON: header is null", ({ signed, claims }) => signed("null", claims())),
  malformed("JSON: payload is a list", ({ signed, header, claims }) => signed(header(), `[${claims()}]`)),
  malformed("JSON: payload is a text", ({ signed, header, attest }) =>
    signed(header({ cty: "JWT" }), JSON.stringify(attest())),
  ),
  malformed("JSON: payload is a nested token", ({ signed, header, attest }) =>
    signed(header({ cty: "JWT" }), attest()),
  ),
  malformed("JSON: two values", ({ signed, header, claims }) => signed(header(), `${claims()}{}`)),
  malformed("JSON: NaN", ({ signed, header, claims }) => signed(header(), claims().replace(/"exp":\d+/, `"exp":NaN`))),
  malformed("JSON: byte order mark", ({ signed, header, claims }) => signed(header(), `\uFEFF${claims()}`)),
  malformed("JSON: broken UTF-8", ({ attest }) =>
    withPart(attest(), 1, encode(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))),
  ),

  malformed("names: alg doubled", ({ signed, claims, keys }) =>
    signed(`{"alg":"none","kid":"${keys.ES256.keyId}","alg":"ES256"}`, claims()),
  ),
  malformed("names: sub doubled", ({ signed, header, claims }) =>
    signed(header(), claims().replace("{", `{"sub":"admin",`)),
  ),
  malformed("names: sub doubled by an escape", ({ signed, header, claims }) =>
    signed(header(), claims().replace("{", `{"\\u0073ub":"admin",`)),
  ),
  malformed("names: doubled deep inside", ({ signed, header, claims }) =>
    signed(header(), claims().replace("{", `{"a":[{"b":{"c":1,"d":"}","c":2}}],`)),
  ),
  malformed("names: __proto__", ({ signed, header, claims }) =>
    signed(header(), claims().replace("{", `{"a":{"__proto__":{"role":"admin"}},`)),
  ),
  {
    name: "names: alike in other objects and in texts",
    verdict: "accepted",
    token: ({ signed, header, claims }) =>
      signed(
        header(),
        claims().replace("{", `{"a":{"sub":1,"b":["sub","sub",{"sub":"\\"sub\\":1,{\\\\"}]},"b":{"sub":2},`),
      ),
  },
  malformed("depth: a thousand lists", ({ signed, header, claims }) =>
    signed(header(), claims().replace("{", `{"a":${"[".repeat(1000)}${"]".repeat(1000)},`)),
  ),
  {
    name: "depth: thirty lists",
    verdict: "accepted",
    token: ({ signed, header, claims }) =>
      signed(header(), claims().replace("{", `{"a":${"[".repeat(30)}${"]".repeat(30)},`)),
  },

  malformed("extension: zip", ({ attest }) => attest({ header: { zip: "DEF" } })),
  malformed("extension: crit of an unknown name", ({ attest }) => attest({ header: { crit: ["exp"], exp: 1 } })),
  malformed("extension: empty crit", ({ attest }) => attest({ header: { crit: [] } })),
  malformed("extension: crit null", ({ attest }) => attest({ header: { crit: null } })),
  malformed("extension: unencoded payload", ({ attest }) => attest({ header: { b64: false, crit: ["b64"] } })),
  malformed("extension: b64 true", ({ attest }) => attest({ header: { b64: true } })),
  malformed("extension: enc", ({ attest }) => attest({ header: { enc: "A256GCM" } })),
];
