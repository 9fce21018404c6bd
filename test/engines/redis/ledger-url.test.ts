/** The URL of a Redis ledger: each refusal beside what is accepted, and no message that quotes a password. */
import { describe, expect, it } from "vitest";
import { describePlace, parseLedgerUrl } from "../../../src/engines/redis/connection/ledger-url.ts";

const place = (url: string) => {
  const parsed = parseLedgerUrl(url);
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.value;
};

describe("the URL of a Redis ledger", () => {
  it.each([
    ["redis://one", { hosts: [{ host: "one", port: 6379 }], tls: null, user: null, prefix: "mayfly", shards: null }],
    ["redis://one/", { hosts: [{ host: "one", port: 6379 }] }],
    ["redis://one:1/0", { hosts: [{ host: "one", port: 1 }] }],
    ["redis://[::1]:7000", { hosts: [{ host: "::1", port: 7000 }] }],
    [
      "redis://a:1,b:2,c",
      {
        hosts: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 6379 },
        ],
      },
    ],
    ["redis://a?sentinel=mine", { sentinel: "mine", hosts: [{ host: "a", port: 26_379 }] }],
    ["rediss://bot@one?ca=/etc/ca.pem", { user: "bot", tls: { caFile: "/etc/ca.pem" } }],
    ["rediss://one", { tls: { caFile: null } }],
    ["redis://one?prefix=mayfly-2&shards=8", { prefix: "mayfly-2", shards: 8 }],
    ["redis://one?audit_days=90", { auditDays: 90 }],
    ["redis://bot@one?password_file=/run/pw", { passwordFile: "/run/pw", password: null }],
  ])("accepts %s", (url, expected) => expect(place(url)).toMatchObject(expected));

  it("decodes user and password, and prints neither", () => {
    const found = place("redis://b%40t:s%3Acret%20@one");
    expect(found.user).toBe("b@t");
    expect(found.password?.reveal()).toBe("s:cret ");
    expect(JSON.stringify(found)).not.toContain("cret");
    expect(describePlace(found)).toBe("redis://one:6379");
  });

  it.each([
    ["", "is not a Redis URL"],
    ["redis:one", "is not a Redis URL"],
    ["http://one", "is not a Redis URL"],
    ["redis://sec@ret@one", "is not a Redis URL"],
    ["redis://one#secret", "is not a Redis URL"],
    ["redis://", "a host that is none"],
    ["redis://one,", "a host that is none"],
    ["redis://one:0", "a host that is none"],
    ["redis://one:65536", "a host that is none"],
    ["redis://one:secret", "a host that is none"],
    ["redis://one two", "a host that is none"],
    ["redis://one/3", "a database number"],
    ["redis://one?secret=1", "an unknown parameter"],
    ["redis://one?prefix=a&prefix=b", "says prefix twice"],
    ["redis://one?prefix=", "an empty prefix"],
    ["redis://one?prefix={secret}", "a prefix that is none"],
    ["redis://one?prefix=A", "a prefix that is none"],
    ["redis://one?audit_days=0", "audit_days that are none"],
    ["redis://one?audit_days=9999", "audit_days that are none"],
    ["redis://one?shards=0", "a number of shards that is none"],
    ["redis://one?shards=1025", "a number of shards that is none"],
    ["redis://one?shards=1.5", "a number of shards that is none"],
    ["redis://one?sentinel=a/b", "a sentinel that is no name"],
    ["redis://one?ca=/etc/ca.pem", "a CA without TLS"],
    ["redis://u:secret@one?password_file=/f", "a password and a password_file"],
    ["redis://u:%zz-secret@one", "not %-encoded"],
  ])("refuses %s", (url, message) => {
    const parsed = parseLedgerUrl(url);
    if (parsed.ok) throw new Error("it was accepted");
    expect(parsed.fault.message).toContain(message);
    expect(parsed.fault.fix).not.toBe("");
    expect(JSON.stringify(parsed.fault)).not.toMatch(/secret/);
  });
});
