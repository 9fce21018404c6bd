/** Parameters: exact types and closed alphabets; a refusal beside each acceptance. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { parseAlphabet } from "../../src/policy/alphabet.ts";
import { isAlwaysPresent, isClosed, parseParameters, type Parameter } from "../../src/policy/parameters.ts";

const tenant: Parameter = { kind: "enum", values: ["emea", "apac"], required: true, fallback: undefined };
const rows: Parameter = { kind: "integer", min: 1, max: 10, required: false, fallback: 5 };
const dry: Parameter = { kind: "boolean", required: false, fallback: undefined };
const table: Parameter = {
  kind: "string",
  prefix: "led_",
  letters: "abc_",
  maxLength: 8,
  required: false,
  fallback: undefined,
};
const note: Parameter = {
  kind: "string",
  prefix: "",
  letters: null,
  maxLength: 10,
  required: false,
  fallback: undefined,
};
const schema = new Map(Object.entries({ tenant, rows, dry, table, note }));

describe("parameters: parse", () => {
  it.each<[string, JsonObject, JsonObject]>([
    ["takes the default", { tenant: "emea" }, { tenant: "emea", rows: 5 }],
    ["keeps what is given", { tenant: "apac", rows: 10, dry: false }, { tenant: "apac", rows: 10, dry: false }],
    ["a text of the alphabet", { tenant: "emea", table: "led_abca" }, { tenant: "emea", rows: 5, table: "led_abca" }],
    [
      "any text where no alphabet is set",
      { tenant: "emea", note: "é 😀 x" },
      { tenant: "emea", rows: 5, note: "é 😀 x" },
    ],
    ["an undefined member is absent", { tenant: "emea", dry: undefined }, { tenant: "emea", rows: 5 }],
  ])("%s", (_, given, expected) => expect(parseParameters(schema, given)).toEqual({ ok: true, value: expected }));

  it.each<[string, JsonObject, string | null, string]>([
    ["a missing one", {}, "tenant", "is required"],
    ["null", { tenant: null }, "tenant", "must not be null"],
    ["null beside a default", { tenant: "emea", rows: null }, "rows", "must not be null"],
    [
      "an unknown one",
      { tenant: "emea", Tenant: "emea" },
      null,
      "names a parameter that the template does not declare",
    ],
    [
      "a prototype name",
      JSON.parse('{"tenant":"emea","__proto__":"x"}'),
      null,
      "names a parameter that the template does not declare",
    ],
    ["another case", { tenant: "EMEA" }, "tenant", "must be one of emea, apac"],
    ["a look-alike letter", { tenant: "emeа" }, "tenant", "must be one of emea, apac"],
    ["a line break behind", { tenant: "emea\n" }, "tenant", "must be one of emea, apac"],
    ["a list of values", { tenant: ["emea"] }, "tenant", "must be a string"],
    ["a number as text", { tenant: "emea", rows: "5" }, "rows", "must be a whole number"],
    ["a fraction", { tenant: "emea", rows: 1.5 }, "rows", "must be a whole number"],
    ["minus zero", { tenant: "emea", rows: -0 }, "rows", "must be a whole number"],
    ["not a number", { tenant: "emea", rows: Number.NaN }, "rows", "must be a whole number"],
    ["below min", { tenant: "emea", rows: 0 }, "rows", "must be from 1 to 10"],
    ["above max", { tenant: "emea", rows: 11 }, "rows", "must be from 1 to 10"],
    ["a boolean as text", { tenant: "emea", dry: "true" }, "dry", "must be true or false"],
    ["a foreign prefix", { tenant: "emea", table: "abc" }, "table", "must begin with led_"],
    ["nothing after the prefix", { tenant: "emea", table: "led_" }, "table", "must go on after led_"],
    ["a foreign letter", { tenant: "emea", table: "led_x" }, "table", "holds a character outside its alphabet"],
    ["half an emoji", { tenant: "emea", table: "led_\ud83d" }, "table", "holds a character outside its alphabet"],
    ["too long", { tenant: "emea", table: "led_abcab" }, "table", "must have at most 8 characters"],
    ["an empty text", { tenant: "emea", note: "" }, "note", "must not be empty"],
    ["a control character", { tenant: "emea", note: "a\u0000" }, "note", "must not hold control characters"],
  ])("refuses %s", (_, given, parameter, message) =>
    expect(parseParameters(schema, given)).toEqual({ ok: false, fault: { parameter, message } }),
  );

  it("knows which may stand in a scope", () => {
    expect([tenant, rows, dry, table, note].map(isClosed)).toEqual([true, true, true, true, false]);
    expect([tenant, rows, dry, table, note].map(isAlwaysPresent)).toEqual([true, true, false, false, false]);
  });

  it("what is accepted is accepted again unchanged, whatever was given", () => {
    const value = fc.oneof(fc.constantFrom("emea", "apac", "led_a", 1, 10, true, null), fc.string(), fc.integer());
    const given = fc.record(
      { tenant: value, rows: value, dry: value, table: value, note: value },
      { requiredKeys: [] },
    );
    const isStable = fc.property(given, (asked) => {
      const parsed = parseParameters(schema, asked);
      return !parsed.ok || isDeepStrictEqual(parseParameters(schema, parsed.value), parsed);
    });
    expect(() => fc.assert(isStable)).not.toThrow();
  });
});

describe("parameters: alphabet", () => {
  it.each([
    ["a-c", "abc"],
    ["a-c0-2_-", "abc012_-"],
    ["-a", "-a"],
    ["aab", "ab"],
  ])("%s is %s", (text, letters) => expect(parseAlphabet(text)).toEqual({ ok: true, value: letters }));

  it.each([
    ["", "must have 1 to 64 characters"],
    ["z-a", "has a range that runs backwards: z-a"],
    ["a b", "must be printable ASCII without spaces"],
    ["а-я", "must be printable ASCII without spaces"],
    ["a-\u007f", "must be printable ASCII without spaces"],
  ])("refuses %j", (text, message) => expect(parseAlphabet(text)).toEqual({ ok: false, fault: message }));
});
