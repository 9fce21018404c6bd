/** Options, connection URL and scope: what is taken, what is refused, and that no parameter can leave its place. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isIdentifier } from "../../../providers/postgres/identifiers.ts";
import { parseAddress, parsePostgresOptions } from "../../../providers/postgres/options.ts";
import { parsePostgresScope } from "../../../providers/postgres/scope.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { readSeed } from "../../support/seed.ts";

const url = { env: "LEDGER_DB_URL" };

describe("postgres: options", () => {
  it.each<[string, JsonObject]>([
    ["only the url", { url }],
    [
      "all",
      { url, ca: { file: "/ca.pem" }, rolePrefix: "agents_", reassignOwnedTo: "Ledger Owner", maxTtlSeconds: 60 },
    ],
  ])("takes %s", (_, options) => {
    expect(parsePostgresOptions(options).ok).toBe(true);
  });

  it.each<[string, JsonObject, string]>([
    ["no url", {}, "url"],
    ["a url that is written out", { url: "postgres://u:p@h/d" }, "url"],
    ["a prefix of the server's own roles", { url, rolePrefix: "pg_x_" }, "rolePrefix"],
    ["a prefix that would be cut", { url, rolePrefix: `${"x".repeat(24)}_` }, "rolePrefix"],
    ["a prefix that does not end", { url, rolePrefix: "jit" }, "rolePrefix"],
    ["a role that no server has", { url, reassignOwnedTo: "x".repeat(64) }, "reassignOwnedTo"],
    ["a lifetime over a week", { url, maxTtlSeconds: 604_801 }, "maxTtlSeconds"],
    ["an unknown member", { url, password: "x" }, "password"],
  ])("refuses %s", (_, options, path) => {
    const parsed = parsePostgresOptions(options);
    expect(parsed.ok ? null : parsed.fault.path).toBe(path);
  });
});

describe("postgres: connection URL", () => {
  it.each([
    ["postgres://u:p@db.example/ledger", { host: "db.example", port: 5432, database: "ledger", user: "u", tls: true }],
    [
      "postgresql://u:p@[::1]:6000/l%20x?sslmode=disable",
      { host: "::1", port: 6000, database: "l x", user: "u", tls: false },
    ],
    ["postgres://u%40x:a%2Fb@h/d?sslmode=verify-full", { host: "h", user: "u@x", tls: true }],
  ])("takes %s", (text, parts) => {
    const address = parseAddress(text);
    expect(address.ok ? address.value : address).toMatchObject(parts);
  });

  it("keeps the password redacted, decoded", () => {
    const address = parseAddress("postgres://u:a%2Fb@h/d");
    expect(JSON.stringify(address)).not.toContain("a/b");
    expect(address.ok ? address.value.password.reveal() : null).toBe("a/b");
  });

  it.each([
    "mysql://u:p@h/d",
    "postgres://u@h/d",
    "postgres://:p@h/d",
    "postgres://u:p@h",
    "postgres://u:p@/d",
    "postgres://u:p@h/d/e",
    "postgres://u:%@h/d",
    "postgres://u:p@h/d?sslmode=require",
    "postgres://u:p@h/d?sslmode=prefer",
    "postgres://u:p@h/d?options=-c%20role%3Dboss",
    "host=h user=u",
  ])("refuses %s, without repeating it", (text) => {
    const address = parseAddress(text);
    expect(address.ok).toBe(false);
    expect(address.ok ? "" : address.fault).not.toContain(text);
  });
});

const options = parsePostgresOptions({ url });
function scopeOf(scope: JsonObject) {
  if (!options.ok) throw new Error(options.fault.message);
  return parsePostgresScope(scope, options.value);
}

describe("postgres: scope", () => {
  it.each<[string, JsonObject]>([
    ["no roles", {}],
    ["an empty list", { roles: [] }],
    ["a name that would be cut", { roles: ["x".repeat(64)] }],
    ["a role that a parameter could choose", { roles: ["${parameters.role}"] }],
    ["a role of the server's own that a parameter could complete", { roles: ["pg_${parameters.role}"] }],
    ["no connection", { roles: ["r"], connections: 0 }],
    ["a statement", { roles: ["r"], sql: "GRANT ALL" }],
  ])("refuses %s", (_, scope) => {
    expect(scopeOf(scope).ok).toBe(false);
  });

  it("lets no parameter leave its place in a name", () => {
    const template = scopeOf({ roles: ["ledger_${parameters.tenant}_ro"] });
    if (!template.ok) throw new Error(template.fault.message);
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom('"', '";--', "'", "a b", "é", "\0", "x".repeat(60)),
    );
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ maxLength: 8 })), (tenant) => {
        const scope = template.value.fill({ tenant });
        const isPlain = /^[A-Za-z0-9_]{1,53}$/.test(tenant);
        expect(scope.ok ? scope.value.roles : []).toEqual(isPlain ? [`ledger_${tenant}_ro`] : []);
        expect(!isPlain || isIdentifier(`ledger_${tenant}_ro`)).toBe(true);
      }),
      { seed: readSeed(), numRuns: 500 },
    );
  });
});
