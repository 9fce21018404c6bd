/** Patterns: what matches, and beside it what looks alike and must not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWildcardOnly, parsePattern, type Pattern } from "../../src/policy/pattern.ts";

function pattern(text: string): Pattern {
  const parsed = parsePattern(text);
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.value;
}

describe("pattern: matches", () => {
  it.each<[text: string, yes: string[], no: string[]]>([
    ["bot", ["bot"], ["Bot", "bots", "bo", "", "bot\n", " bot", "bоt"]],
    ["/pay", ["/pay"], ["/payroll", "/pay/", "x/pay"]],
    ["/pay*", ["/payroll", "/pay1"], ["/pay", "/pay/roll", "/Payroll"]],
    ["repo:org/*", ["repo:org/a"], ["repo:org/a/b", "repo:org/", "repo:org/a:b", "repo:orgs/a", "xrepo:org/a"]],
    [
      "repo:org/*:ref:refs/heads/main",
      ["repo:org/a:ref:refs/heads/main"],
      ["repo:org/a:ref:refs/heads/main2", "repo:org/a/b:ref:refs/heads/main"],
    ],
    ["a:*", ["a:b"], ["a/b", "a:", "a:b:c"]],
    ["*-prod-*", ["x-prod-y", "a-b-prod-c"], ["-prod-", "x-prod-", "x-prod", "x/prod-y"]],
    ["a*a", ["aba", "aaa"], ["aa", "a"]],
    ["a*b*c", ["axbyc", "axbbyc"], ["abc", "axbc", "abyc"]],
    [
      "spiffe://td.example/ns/*/sa/bot",
      ["spiffe://td.example/ns/x/sa/bot"],
      ["spiffe://td.example/ns/../sa/bot", "spiffe://td.example/ns/x/y/sa/bot", "spiffe://TD.example/ns/x/sa/bot"],
    ],
    ["auth0|12", ["auth0|12"], ["auth0", "12"]],
    ["team/*", ["team/a.b", "team/é"], ["team/.", "team/..", "team/a\n", "team/a\u2028", `team/${"a".repeat(2048)}`]],
  ])("%s", (text, yes, no) => {
    const matches = (value: string): boolean => pattern(text).matches(value);
    expect(yes.filter((value) => !matches(value))).toEqual([]);
    expect(no.filter((value) => matches(value))).toEqual([]);
  });

  it.each<[text: string, message: string]>([
    ["", "the pattern is empty"],
    ["a\nb", "the pattern holds a control character or line break"],
    ["bot\u0000", "the pattern holds a control character or line break"],
    [" bot", "the pattern begins or ends with white space"],
    ["a/**", "`**` is not supported"],
    ["a)|(.*", "the glob uses regular-expression characters"],
    ["^a*$", "the glob uses regular-expression characters"],
    ["[ab]*", "the glob uses regular-expression characters"],
    ["a".repeat(513), "the pattern is longer than 512 characters"],
    ["*a".repeat(9), "the glob has more than 8 stars"],
  ])("refuses %j", (text, message) => {
    const parsed = parsePattern(text);
    expect(parsed.ok ? "accepted" : parsed.fault.message).toBe(message);
  });

  it("knows which patterns name everyone", () => {
    expect(["*", "*/*", "*:*", "/*"].map((text) => isWildcardOnly(pattern(text)))).toEqual([true, true, true, true]);
    expect(["a*", "a/*", "bot"].map((text) => isWildcardOnly(pattern(text)))).toEqual([false, false, false]);
  });
});

describe("pattern: properties", () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "b", "-", "é"), minLength: 1, maxLength: 4 });
  const segment = fc
    .array(fc.oneof(piece, fc.constant("*")), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(""));
  const glob = fc
    .array(segment, { minLength: 1, maxLength: 4 })
    .map((segments) => segments.join("/"))
    .filter((text) => parsePattern(text).ok);

  it("a match has the same separators, and each star stands for something", () => {
    const value = fc.string({ unit: fc.constantFrom("a", "b", "-", "/", ":", "\n"), maxLength: 12 });
    const seen = { matches: 0 };
    fc.assert(
      fc.property(glob, value, (text, candidate) => {
        if (!pattern(text).matches(candidate)) return;
        seen.matches += 1;
        const separatorsOf = (from: string): string => from.replaceAll(/[^/:]/g, "");
        expect(separatorsOf(candidate)).toBe(separatorsOf(text));
        expect(candidate.length).toBeGreaterThanOrEqual(text.length);
        expect(candidate).not.toContain("\n");
      }),
      { numRuns: 3000 },
    );
    expect(seen.matches).toBeGreaterThan(0);
  });

  it("filling each star of a segment matches, and a separator in it does not", () => {
    fc.assert(
      fc.property(glob, piece, (text, filling) => {
        expect(pattern(text).matches(text.replaceAll("*", () => filling))).toBe(true);
        const crossing = text.replace("*", () => `${filling}/${filling}`);
        expect(crossing !== text && pattern(text).matches(crossing)).toBe(false);
      }),
    );
  });

  it("a hostile glob and value stay cheap", () => {
    const hostile = pattern("*a*a*a*a*a*a*a*b");
    for (let round = 0; round < 1000; round += 1) expect(hostile.matches("a".repeat(2000))).toBe(false);
  });
});
