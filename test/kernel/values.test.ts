import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64UrlFromBytes, bytesFromBase64Url } from "../../src/kernel/base64url.ts";
import { base32FromInteger, integerFromBase32 } from "../../src/kernel/base32.ts";
import { canonicalJson, type Json } from "../../src/kernel/canonical-json.ts";
import { Redacted } from "../../src/kernel/redacted.ts";

describe("redacted", () => {
  const secret = new Redacted("s3cr3t-value", "token");
  const prints: readonly [string, () => string][] = [
    ["concatenation", () => "".concat(secret.toString())],
    ["JSON", () => JSON.stringify({ secret })],
    ["the inspector", () => inspect({ secret }, { depth: 9, showHidden: true })],
    ["its own members", () => JSON.stringify(Object.entries(secret))],
    ["string conversion", () => String(secret)],
    ["an error's cause", () => inspect(new Error("x", { cause: secret }))],
  ];
  test.each(prints)("is not shown by %s", (_name, print) => {
    expect(print()).not.toContain("s3cr3t");
  });

  test("is revealed on purpose, and not after it was wiped", () => {
    expect(secret.reveal()).toBe("s3cr3t-value");
    secret.wipe();
    expect(() => secret.reveal()).toThrow("token was wiped");
  });
});

describe("canonical JSON (RFC 8785)", () => {
  const rows: readonly [string, Json, string][] = [
    ["sorts members by UTF-16 code units", { b: 1, a: 2, "\u20ac": 3, A: 4 }, '{"A":4,"a":2,"b":1,"\u20ac":3}'],
    ["leaves out undefined members", { a: undefined, b: null }, '{"b":null}'],
    ["keeps array order and nesting", { a: [3, { d: 1, c: [] }] }, '{"a":[3,{"c":[],"d":1}]}'],
    ["sorts names that look like numbers as texts", { a: [{ 9: 1, 10: 2, "": 3 }] }, '{"a":[{"":3,"10":2,"9":1}]}'],
    ["keeps a member called __proto__", JSON.parse('{"b":1,"__proto__":{"c":2}}'), '{"__proto__":{"c":2},"b":1}'],
    ["escapes as JSON does", 'a"\\\n\u0001', '"a\\"\\\\\\n\\u0001"'],
  ];
  test.each(rows)("%s", (_name, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses the number %s", (value) => {
    expect(() => canonicalJson(value)).toThrow("safe integers");
  });
});

describe("base64url and base32", () => {
  test("bytes come back; whatever is not exactly what the encoder writes is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesFromBase64Url(base64UrlFromBytes(bytes))).toEqual(bytes);
      }),
    );
    const refused = ["a", "ab=", "a b", "a+b/", "\n", "AB", "é"].filter(
      (text) => bytesFromBase64Url(text) !== undefined,
    );
    expect(refused).toEqual([]);
    expect(bytesFromBase64Url("AA")).toEqual(new Uint8Array([0]));
  });

  test("integers come back and sort as their texts do", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (left, right) => {
        const [a, b] = [base32FromInteger(left, 11), base32FromInteger(right, 11)];
        expect(integerFromBase32(a)).toBe(left);
        expect(a < b).toBe(left < right);
      }),
    );
    expect(integerFromBase32("il")).toBeUndefined();
  });
});
