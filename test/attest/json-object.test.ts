/** One reading of a JSON object, or none. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonObject } from "../../src/attest/json-object.ts";
import { maxJsonDepth } from "../../src/kernel/limits.ts";

const objects = fc.dictionary(
  fc.string().filter((name) => name !== "__proto__"),
  fc.jsonValue({ maxDepth: 4, noUnicodeString: false }),
);

describe("JSON object", () => {
  it("reads any object as JSON.parse does", () =>
    fc.assert(
      fc.property(objects, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes("__proto__"));
        expect(parseJsonObject(text)).toEqual(JSON.parse(text));
      }),
    ));

  it("refuses any name that comes twice, wherever, however it is written", () =>
    fc.assert(
      fc.property(objects, fc.string({ minLength: 1 }), fc.boolean(), (value, name, escaped) => {
        const plain = JSON.stringify(name);
        const first = name.charCodeAt(0).toString(16).padStart(4, "0");
        const other = escaped ? `"\\u${first}${JSON.stringify(name.slice(1)).slice(1)}` : plain;
        const rest = JSON.stringify(value);
        const text = `{"a":[{${plain}:${rest},${other}:${rest}}]}`;
        expect(JSON.parse(text)).toBeTypeOf("object");
        expect(parseJsonObject(text)).toBeUndefined();
      }),
    ));

  it.each([
    ["empty", "{}", {}],
    ["white space", ' {\n"a" :\t[ ] } ', { a: [] }],
    ["a text that looks like names", `{"a":"{\\"a\\":1,\\"a\\":2}"}`, { a: `{"a":1,"a":2}` }],
    ["a name that ends in a backslash", `{"a\\\\":1,"a":2}`, { "a\\": 1, a: 2 }],
    ["at the depth", `{"a":${"[".repeat(maxJsonDepth - 1)}${"]".repeat(maxJsonDepth - 1)}}`, expect.anything()],
  ])("reads %s", (_, text, value) => expect(parseJsonObject(text)).toEqual(value));

  it.each([
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
    ["a text", `"{}"`],
    ["a comma too many", `{"a":1,}`],
    ["a comment", `{}//`],
    ["below the depth", `{"a":${"[".repeat(maxJsonDepth)}${"]".repeat(maxJsonDepth)}}`],
    ["a million lists", "[".repeat(1_000_000)],
    ["__proto__", `{"__proto__":{}}`],
    ["__proto__ escaped", `{"__pr\\u006fto__":{}}`],
  ])("refuses %s", (_, text) => expect(parseJsonObject(text)).toBeUndefined());
});
