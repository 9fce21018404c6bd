/** No value of a parameter leaves the slot that it stands in, and only well-formed placeholders are placeholders. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePlaceholders } from "../../../providers/shared/placeholders.ts";
import { parseResourceUri } from "../../../providers/shared/resource-uri.ts";
import { parseScopeTokens } from "../../../providers/shared/scope-tokens.ts";
import { pathSegmentSlot, scopeTokenSlot, type Slot } from "../../../providers/shared/slots.ts";
import type { Result } from "../../../src/kernel/result.ts";

const plain: Slot = (value) => ({ ok: true, value });
/** Any text, and often one that is about to break something. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        "..",
        ".",
        "/",
        "\\",
        "%2e",
        "%2F",
        "?",
        "#",
        "&",
        "=",
        " ",
        '"',
        "'",
        ":",
        "*",
        "@",
        "${parameters.b}",
        "$",
        "{",
        "}",
        "\u0000",
        "\r\n",
        "a",
        "A",
        "0",
        "-",
        "_",
        "é",
        "\ud800",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join("")),
);

function valueOf<T, F>(result: Result<T, F>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.fault));
  return result.value;
}

describe("placeholders: parsing", () => {
  it.each([
    ["plain", [], "plain"],
    ["${parameters.a}", ["a"], ""],
    ["read:${parameters.region}:${parameters.tier_2}", ["region", "tier_2"], "read:"],
    ["${parameters.a}-${parameters.a}", ["a"], ""],
  ])("accepts %s", (text, names, head) => {
    const parsed = valueOf(parsePlaceholders(text));
    expect([parsed.names, parsed.head]).toEqual([names, head]);
  });

  it.each([
    "",
    "$",
    "${a}",
    "${parameters.}",
    "${parameters.a",
    "${ parameters.a }",
    "${parameters.a.b}",
    "${parameters.1a}",
    "{a}",
    "$${parameters.a}",
    "${parameters.a}}",
    "x".repeat(1025),
  ])("refuses %s", (text) => expect(parsePlaceholders(text).ok).toBe(false));

  it("never reads a value again", () => {
    const parsed = valueOf(parsePlaceholders("${parameters.a}/${parameters.b}"));
    expect(parsed.fill({ a: "${parameters.b}", b: "x" }, plain)).toEqual({ ok: true, value: "${parameters.b}/x" });
  });

  it.each([
    ["text", "emea", "emea"],
    ["whole number", 7, "7"],
    ["boolean", true, "true"],
  ])("fills in a %s", (_, value, text) => {
    expect(valueOf(parsePlaceholders("${parameters.a}")).fill({ a: value }, plain)).toEqual({ ok: true, value: text });
  });

  it.each([
    ["a missing one", {}],
    ["null", { a: null }],
    ["a list", { a: ["x"] }],
    ["an object", { a: { b: 1 } }],
    ["a fraction", { a: 1.5 }],
    ["a name that every object has", { b: "x" }],
  ])("refuses %s", (_, parameters) => {
    expect(valueOf(parsePlaceholders("${parameters.a}")).fill(parameters, plain).ok).toBe(false);
    expect(valueOf(parsePlaceholders("${parameters.toString}")).fill(parameters, plain).ok).toBe(false);
  });
});

describe("placeholders: a scope token stays one token with one meaning", () => {
  it("for any value", () =>
    fc.assert(
      fc.property(hostile, (value) => {
        const tokens = valueOf(parseScopeTokens(["reports:${parameters.a}:read", "list"], "scopes"));
        const filled = tokens.fill({ a: value });
        if (!filled.ok) return;
        const [first = "", ...others] = filled.value;
        expect(others).toEqual(["list"]);
        expect(first.split(":")).toEqual(["reports", value, "read"]);
        expect(filled.value.join(" ").split(" ")).toHaveLength(2);
      }),
      { numRuns: 2000 },
    ));

  it.each(["emea", "EMEA-1", "a_b", "v1.2", "7"])("accepts %s", (value) => expect(scopeTokenSlot(value).ok).toBe(true));

  it.each([
    "",
    " ",
    "a b",
    "a:b",
    "a/b",
    "*",
    "a*",
    ".",
    "..",
    "a..b",
    ".a",
    "a.",
    'a"b',
    "a\\b",
    "a\nb",
    "é",
    "a,b",
    "a%20b",
    "x".repeat(257),
  ])("refuses %j", (value) => expect(scopeTokenSlot(value).ok).toBe(false));

  it.each(["a b", 'a"b', "a\\b", "é", "a\tb"])("refuses the token %j of a template", (text) =>
    expect(parseScopeTokens([text], "scopes").ok).toBe(false),
  );
});

describe("placeholders: a URL keeps its origin, its segments and its query", () => {
  it("for any value, in the path", () =>
    fc.assert(
      fc.property(hostile, (value) => {
        const uri = valueOf(parseResourceUri("https://api.example/tenants/${parameters.a}/ledger", "uri"));
        const filled = uri.fill({ a: value });
        if (!filled.ok) return;
        const url = new URL(filled.value);
        expect(url.href).toBe(filled.value);
        expect([url.origin, url.search, url.hash]).toEqual(["https://api.example", "", ""]);
        const segments = url.pathname.split("/");
        expect(segments).toHaveLength(4);
        expect(decodeURIComponent(segments[2] ?? "")).toBe(value);
      }),
      { numRuns: 2000 },
    ));

  it("for any value, in the query", () =>
    fc.assert(
      fc.property(hostile, (value) => {
        const uri = valueOf(parseResourceUri("https://api.example/ledger?tenant=${parameters.a}&mode=read", "uri"));
        const filled = uri.fill({ a: value });
        if (!filled.ok) return;
        const url = new URL(filled.value);
        expect([url.origin, url.pathname, url.hash]).toEqual(["https://api.example", "/ledger", ""]);
        expect([...url.searchParams]).toEqual([
          ["tenant", value],
          ["mode", "read"],
        ]);
      }),
      { numRuns: 2000 },
    ));

  it.each(["emea", "a b", "ä", "a/b", "...", "100%", "it's"])("encodes %j", (value) =>
    expect(pathSegmentSlot(value)).toEqual({ ok: true, value: expect.stringMatching(/^[A-Za-z0-9._~%-]+$/) }),
  );

  it.each(["", ".", "..", "\ud800", "x".repeat(257)])("refuses %j", (value) =>
    expect(pathSegmentSlot(value).ok).toBe(false),
  );

  it.each([
    ["https://api.example/", "uri"],
    ["https://api.example/a?b=c", "uri"],
    ["urn:example:ledger", "uri"],
    ["ledger-api", "uri-or-name"],
  ] as const)("accepts %s", (text, kind) => expect(parseResourceUri(text, kind).ok).toBe(true));

  it.each([
    ["a name where a URI must be", "ledger-api", "uri"],
    ["a fragment", "https://api.example/#a", "uri"],
    ["white space", "https://api.example/a b", "uri"],
    ["a placeholder as host", "https://${parameters.a}/", "uri"],
    ["a placeholder in the host", "https://x.${parameters.a}.example/", "uri"],
    ["a placeholder as port", "https://api.example:${parameters.a}/", "uri"],
    ["a placeholder as scheme", "${parameters.a}://api.example/", "uri"],
    ["a placeholder right behind the host", "https://api.example${parameters.a}", "uri"],
    ["a placeholder in a name", "ledger-${parameters.a}", "uri-or-name"],
    ["a placeholder behind a percent sign", "https://api.example/%${parameters.a}", "uri"],
    ["a placeholder in a URN", "urn:example:${parameters.a}", "uri"],
  ] as const)("refuses %s", (_, text, kind) => expect(parseResourceUri(text, kind).ok).toBe(false));
});
