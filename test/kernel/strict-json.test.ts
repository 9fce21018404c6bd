/** JSON that is read alike by every parser, and what is refused although JSON.parse takes it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxJsonDepth } from "../../src/kernel/limits.ts";
import { parseStrictJson } from "../../src/kernel/strict-json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("strict JSON: accepted", () => {
  it.each([
    ["null"],
    ["[]"],
    [`{"a":{"a":1},"b":[{"a":2},{"a":3}]}`],
    [`{"a":"a","b":"a"}`],
    [`["a","a",{"a":"b"}]`],
    [`{"a\\"b":"{\\"x\\":1,\\"x\\":2}"}`],
    [`{"emoji":"\\ud83d\\ude00 😀"}`],
    [nested(maxJsonDepth)],
  ])("%s", (text) => {
    expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it("takes whatever JSON.stringify writes of plain values", () => {
    const value = fc
      .jsonValue({ maxDepth: 5, noUnicodeString: false })
      .filter((json) => !JSON.stringify(json).includes("__proto__"));
    fc.assert(
      fc.property(value, (json) => {
        const text = JSON.stringify(json);
        fc.pre(!/\\ud[89a-f]/i.test(text));
        expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });
});

describe("strict JSON: refused", () => {
  it.each([
    ["", "is not JSON"],
    ["{", "is not JSON"],
    ["{'a':1}", "is not JSON"],
    [`{"a":1,}`, "is not JSON"],
    [`{"a":1}x`, "is not JSON"],
    [`{"a":1,"a":1}`, "has the same member twice"],
    [`{"a":1,"\\u0061":2}`, "has the same member twice"],
    [`[{"b":{"a":1,"c":[],"a":2}}]`, "has the same member twice"],
    [`{"__proto__":{}}`, "has a member called __proto__"],
    [`{"a":{"__proto\\u005f_":1}}`, "has a member called __proto__"],
    [`{"a":"\\ud800"}`, "holds text that is not Unicode"],
    [`{"\\udc00":1}`, "holds text that is not Unicode"],
    [nested(maxJsonDepth + 1), `is nested deeper than ${maxJsonDepth} levels`],
  ])("%s", (text, message) => {
    expect(parseStrictJson(text)).toEqual({ ok: false, fault: { message } });
  });
});
