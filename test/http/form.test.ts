/** Form bodies: read like URLSearchParams where both accept, and refused where OAuth refuses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseForm } from "../../src/http/form.ts";

describe("form: accepted", () => {
  it.each([
    ["a=1&b=2", { a: "1", b: "2" }],
    ["a=b=c", { a: "b=c" }],
    ["a=%2B+%20", { a: "+  " }],
    ["%61=1", { a: "1" }],
    ["a=&b=1", { b: "1" }],
    ["a&b=1", { b: "1" }],
    ["&&a=1&", { a: "1" }],
    ["", {}],
    ["constructor=1&toString=2", { constructor: "1", toString: "2" }],
  ])("%s", (text, form) => {
    const parsed = parseForm(text);
    expect(parsed.ok && Object.entries(parsed.value)).toEqual(Object.entries(form));
  });

  it("agrees with URLSearchParams on every form that names each parameter once, and none __proto__", () => {
    const name = fc.string({ minLength: 1 }).filter((text) => text !== "__proto__");
    const pairs = fc.uniqueArray(fc.tuple(name, fc.string({ minLength: 1 })), {
      selector: ([first]) => first,
    });
    fc.assert(
      fc.property(pairs, (wanted) => {
        const text = new URLSearchParams(wanted).toString();
        const parsed = parseForm(text);
        expect(parsed.ok && { ...parsed.value }).toEqual(Object.fromEntries(new URLSearchParams(text)));
      }),
    );
  });
});

describe("form: refused", () => {
  it.each([
    ["a=1&a=2", "parameter a is there twice"],
    ["a=1&a=1", "parameter a is there twice"],
    ["a=&a=1", "parameter a is there twice"],
    ["a=1&%61=2", "parameter a is there twice"],
    ["a=%", "the form holds a broken escape"],
    ["a=%zz", "the form holds a broken escape"],
    ["a=%ff", "the form holds a broken escape"],
    ["%c3=1", "the form holds a broken escape"],
    ["constructor=1&constructor=1", "parameter constructor is there twice"],
    ["__proto__=1", "a parameter is called __proto__"],
  ])("%s", (text, message) => {
    expect(parseForm(text)).toEqual({ ok: false, fault: { code: "malformed", message } });
  });
});
