/** Rows about audience, subject, life and replay of a token whose signature is good. */
import { attestationSkewMillis, maxSubjectLength, maxTokenIdLength } from "../../src/kernel/limits.ts";
import type { Row } from "./corpus.ts";
import { audience } from "./world.ts";

const claim = (name: string, verdict: Row["verdict"], claims: Readonly<Record<string, unknown>>): Row => ({
  name,
  verdict,
  token: ({ attest }) => attest({ claims }),
});

const audienceRows: readonly Row[] = [
  claim("aud: ours", "accepted", { aud: audience }),
  claim("aud: a list of ours alone", "accepted", { aud: [audience] }),
  ...[
    undefined,
    null,
    1,
    "",
    [],
    [[audience]],
    {},
    [1],
    "https://other.example",
    [audience, "https://other.example"],
    ["https://other.example", audience],
    [audience, audience],
    `${audience}/`,
    `${audience}/token`,
    audience.slice(0, -1),
    audience.toUpperCase(),
    `${audience} `,
    `${audience} https://other.example`,
  ].map((aud) => claim(`aud: ${JSON.stringify(aud)}`, "audience", { aud })),
];

const subjectRows: readonly Row[] = [
  claim("sub: at the longest", "accepted", { sub: "s".repeat(maxSubjectLength) }),
  claim("sub: beyond ASCII", "accepted", { sub: "müller-✓" }),
  ...[
    undefined,
    null,
    "",
    1,
    ["s"],
    {},
    "s".repeat(maxSubjectLength + 1),
    "bot\n",
    "bot\u0000",
    "bot\u007f",
    "bot\u0085",
  ].map((sub) => claim(`sub: ${JSON.stringify(sub)?.slice(0, 20)}`, "claims", { sub })),
  {
    name: "sub: half a character",
    verdict: "malformed",
    token: ({ signed, header, claims }) => signed(header(), claims().replace(/"sub":"/, `"sub":"\\ud800`)),
  },
  claim("cnf: bound to a key that is not shown", "claims", {
    cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" },
  }),
];

/** Each with the raw JSON of the member, because some cannot be written otherwise. */
const brokenDates = [
  `"1900000000"`,
  "null",
  "-1",
  "1.5",
  "9007199254740993",
  "1e400",
  "-1e400",
  "253402300800",
  "[1]",
  "{}",
  "true",
  `""`,
];
const dateRows: readonly Row[] = ["iat", "exp", "nbf"].flatMap((name) =>
  brokenDates.map((value): Row => ({
    name: `${name}: ${value}`,
    verdict: "claims",
    token: ({ signed, header, claims }) =>
      signed(header(), claims({ nbf: 1 }).replace(new RegExp(`"${name}":\\d+`), `"${name}":${value}`)),
  })),
);

const lived = (
  name: string,
  verdict: Row["verdict"],
  times: (now: number) => Readonly<Record<string, unknown>>,
  laterMillis = 0,
): Row => ({
  name,
  verdict,
  token: ({ attest, now }) => attest({ claims: times(now) }),
  laterMillis,
});

const timeRows: readonly Row[] = [
  claim("exp: missing", "claims", { exp: undefined }),
  claim("iat: missing", "claims", { iat: undefined }),
  lived("life: at the bound", "accepted", (now) => ({ iat: now, exp: now + 3600 })),
  lived("life: one second above", "lifetime", (now) => ({ iat: now, exp: now + 3601 })),
  lived("life: a year", "lifetime", (now) => ({ iat: now, exp: now + 31_536_000 })),
  lived("life: to the end of time", "lifetime", (now) => ({ iat: now, exp: 253_402_300_799 })),
  lived("life: since 1970", "lifetime", (now) => ({ iat: 0, exp: now + 300 })),
  lived("life: none", "lifetime", (now) => ({ iat: now, exp: now })),
  lived("life: backwards", "lifetime", (now) => ({ iat: now + 10, exp: now })),
  lived(
    "exp: last millisecond of the skew",
    "accepted",
    (now) => ({ iat: now - 60, exp: now }),
    attestationSkewMillis - 1,
  ),
  lived("exp: exactly at the skew", "expired", (now) => ({ iat: now - 60, exp: now }), attestationSkewMillis),
  lived("exp: an hour ago", "expired", (now) => ({ iat: now - 3700, exp: now - 3600 })),
  lived("iat: ahead by exactly the skew", "accepted", (now) => ({ iat: now + 30, exp: now + 90 })),
  lived("iat: ahead by a millisecond more", "not_yet_valid", (now) => ({ iat: now + 30, exp: now + 90 }), -1),
  lived("nbf: ahead by exactly the skew", "accepted", (now) => ({ nbf: now + 30 })),
  lived("nbf: ahead by a millisecond more", "not_yet_valid", (now) => ({ nbf: now + 30 }), -1),
  lived("nbf: past, but issued in the future", "not_yet_valid", (now) => ({
    nbf: now - 10,
    iat: now + 31,
    exp: now + 90,
  })),
  lived("nbf: past", "accepted", (now) => ({ nbf: now - 1000 })),
  lived("nbf: missing", "accepted", () => ({ nbf: undefined })),
  {
    name: "exp: written as 1.9e9",
    verdict: "accepted",
    token: ({ signed, header, claims, now }) =>
      signed(header(), claims().replace(/"exp":\d+/, `"exp":${(now + 300) / 1e9}e9`)),
  },
];

const once = (name: string, verdict: Row["verdict"], jti: unknown): Row => ({
  ...claim(name, verdict, { jti }),
  facts: { replay: "once" },
});

const replayRows: readonly Row[] = [
  once("jti: once, present", "accepted", "a-token-id"),
  once("jti: once, at the longest", "accepted", "j".repeat(maxTokenIdLength)),
  once("jti: once, missing", "token_id_missing", undefined),
  ...["", 1, null, "j".repeat(maxTokenIdLength + 1), "a\nb", ["a"]].map((jti) =>
    once(`jti: once, ${JSON.stringify(jti)?.slice(0, 20)}`, "claims", jti),
  ),
  claim("jti: reusable, missing", "accepted", { jti: undefined }),
  claim("jti: reusable, odd", "accepted", { jti: 1 }),
];

export const claimRows: readonly Row[] = [...audienceRows, ...subjectRows, ...dateRows, ...timeRows, ...replayRows];
