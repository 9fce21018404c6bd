/** Options and scopes are read strictly: what is unknown, of another type or out of bounds is a fault with its path. */
import { describe, expect, it } from "vitest";
import { readMembers, type Members } from "../../../providers/shared/members.ts";
import { parseRetryAfter } from "../../../providers/shared/retry-after.ts";
import type { Json } from "../../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../../src/kernel/time.ts";

const readers: Readonly<Record<string, (members: Members) => unknown>> = {
  text: (members) => members.text("a"),
  url: (members) => members.url("a"),
  flag: (members) => members.flag("a"),
  texts: (members) => members.texts("a"),
  whole: (members) => members.whole("a", { min: 1, max: 9 }),
  oneOf: (members) => members.oneOf("a", ["x", "y"]),
  someOf: (members) => members.someOf("a", ["x", "y"]),
  secret: (members) => members.secretReference("a"),
};

function read(reader: string, value: Json | undefined) {
  const members = readMembers(value === undefined ? {} : { a: value });
  const taken = readers[reader]?.(members);
  return { taken, result: members.done(() => "built") };
}

describe("members", () => {
  it.each<[string, Json]>([
    ["text", "x"],
    ["url", "https://api.example/a"],
    ["url", "http://127.0.0.1:80"],
    ["flag", false],
    ["texts", ["x", "y"]],
    ["whole", 9],
    ["oneOf", "y"],
    ["someOf", ["y"]],
    ["someOf", ["x", "y"]],
    ["secret", { env: "NAME" }],
    ["secret", { file: "/run/secret" }],
  ])("%s takes %j", (reader, value) =>
    expect(read(reader, value)).toEqual({ taken: value, result: { ok: true, value: "built" } }),
  );

  it.each<[string, Json]>([
    ["text", ""],
    ["text", 7],
    ["text", null],
    ["text", "x".repeat(2049)],
    ["url", "api.example"],
    ["url", "ftp://api.example/"],
    ["url", "https://user:pass@api.example/"],
    ["url", "https://api.example/?a=b"],
    ["url", "https://api.example/#a"],
    ["url", "https:\\\\api.example"],
    ["flag", "true"],
    ["texts", []],
    ["texts", "x"],
    ["texts", ["x", "x"]],
    ["texts", ["x", 7]],
    ["texts", Array.from({ length: 65 }, (_, at) => `${at}`)],
    ["whole", 0],
    ["whole", 10],
    ["whole", 1.5],
    ["whole", "5"],
    ["oneOf", "z"],
    ["someOf", ["x", "z"]],
    ["someOf", ["x", "x"]],
    ["someOf", []],
    ["someOf", "x"],
    ["oneOf", ["x"]],
    ["secret", "hunter2-inline"],
    ["secret", { env: "A", file: "B" }],
    ["secret", { value: "A" }],
    ["secret", { env: "" }],
    ["secret", ["A"]],
  ])("%s refuses %j", (reader, value) => {
    const { taken, result } = read(reader, value);
    expect([taken, result]).toEqual([undefined, { ok: false, fault: { path: "a", message: expect.any(String) } }]);
    expect(JSON.stringify(result)).not.toContain("hunter2-inline");
  });

  it.each(Object.keys(readers))("%s: missing is no fault", (reader) =>
    expect(read(reader, undefined)).toEqual({ taken: undefined, result: { ok: true, value: "built" } }),
  );

  it("refuses what nobody asked for, and keeps the first fault", () => {
    const members = readMembers({ a: 1, extra: true });
    members.text("a");
    members.flag("b");
    expect(members.done(() => 0)).toEqual({ ok: false, fault: { path: "a", message: expect.any(String) } });
    const others = readMembers({ extra: true });
    others.text("a");
    expect(others.done(() => 0)).toEqual({
      ok: false,
      fault: { path: "extra", message: expect.stringContaining("known are a") },
    });
  });

  it("takes no member from the prototype", () => {
    const members = readMembers({});
    expect(members.text("constructor")).toBeUndefined();
    expect(members.done(() => 0).ok).toBe(true);
  });
});

describe("Retry-After", () => {
  const now = epochMillis(Date.UTC(2026, 10, 22, 10));
  it.each([
    ["0", 0],
    ["7", 7_000],
    ["999999", 3_600_000],
    ["Sun, 22 Nov 2026 10:00:30 GMT", 30_000],
  ])("takes %s", (text, span) => expect(parseRetryAfter(text, now)).toBe(span));

  it.each([undefined, "", "soon", "-1", "1.5", "Sun, 22 Nov 2026 09:00:00 GMT"])("ignores %s", (text) =>
    expect(parseRetryAfter(text, now)).toBeUndefined(),
  );
});
