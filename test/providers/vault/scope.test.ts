/** Options and scopes of the vault provider: what is refused before anything is asked, and what no value can become. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVaultOptions } from "../../../providers/vault/options.ts";
import { parseVaultScope, type VaultScope } from "../../../providers/vault/scope.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";

const good: JsonObject = { address: "https://vault.example:8200", auth: "token", token: { env: "TOKEN" } };

describe("vault options", () => {
  it.each<[string, JsonObject]>([
    ["token", good],
    ["approle", { address: "https://v.example", auth: "approle", roleId: "r", secretId: { file: "/s" } }],
    [
      "approle elsewhere",
      { address: "https://v.example", auth: "approle", authMount: "team/approle", roleId: "r", secretId: { env: "S" } },
    ],
    ["jwt, signed by the broker", { address: "https://v.example", auth: "jwt", authRole: "mayfly" }],
    ["jwt, from a file", { address: "https://v.example", auth: "jwt", authRole: "mayfly", jwt: { file: "/jwt" } }],
    ["kubernetes", { address: "https://v.example", auth: "kubernetes", authRole: "mayfly", namespace: "team-a/ns" }],
  ])("accepts %s", (_, options) => expect(parseVaultOptions(options)).toMatchObject({ ok: true }));

  it.each<[string, JsonObject, string]>([
    ["no address", { auth: "token", token: { env: "T" } }, "address"],
    ["an address with a query", { ...good, address: "https://v.example/?a=1" }, "address"],
    ["no method", { address: "https://v.example" }, "auth"],
    ["another method", { ...good, auth: "userpass" }, "auth"],
    ["a secret in the open", { ...good, token: "s.secret" }, "token"],
    ["a method without its secret", { address: "https://v.example", auth: "approle", roleId: "r" }, "secretId"],
    ["another method's secret", { ...good, secretId: { env: "S" } }, "secretId"],
    [
      "a mount that climbs",
      { address: "https://v.example", auth: "jwt", authRole: "r", authMount: "../sys" },
      "authMount",
    ],
    ["a namespace with a query", { ...good, namespace: "a?b" }, "namespace"],
    ["a token role with a slash", { ...good, tokenRole: "a/b" }, "tokenRole"],
    ["a life beyond the server's", { ...good, maxTtlSeconds: 33 * 24 * 3600 }, "maxTtlSeconds"],
    ["a request that takes no time", { ...good, maxRequestSeconds: 0 }, "maxRequestSeconds"],
    [
      "an audience for a token from elsewhere",
      { address: "https://v.example", auth: "jwt", authRole: "r", jwt: { env: "J" }, jwtAudience: "a" },
      "jwtAudience",
    ],
    ["an unknown member", { ...good, admin: true }, "admin"],
  ])("refuses %s", (_, options, path) =>
    expect(parseVaultOptions(options)).toMatchObject({ ok: false, fault: { path } }),
  );
});

const parse = (scope: JsonObject, more: JsonObject = {}) => {
  const options = parseVaultOptions({ ...good, ...more });
  if (!options.ok) throw new Error(options.fault.message);
  return parseVaultScope(scope, options.value);
};
const leased: JsonObject = { policies: ["p"], path: "database/creds/x", engine: "database" };

function pathIsOnePlainSegmentLonger({ source }: VaultScope, text: string): boolean {
  if (source.kind !== "leased") return false;
  const { pathname } = new URL(`https://v.example/v1/${source.path}`);
  return source.path === `database/creds/ledger-${text}` && pathname === `/v1/${source.path}`;
}

describe("vault scope", () => {
  it.each<[string, JsonObject, object]>([
    [
      "a token",
      { policies: ["p"] },
      { revocation: { kind: "immediate" }, nativeExpiry: "full", killsOpenSessions: true, handle: "returned" },
    ],
    [
      "a login",
      leased,
      { revocation: { kind: "immediate" }, nativeExpiry: "new-logins-only", killsOpenSessions: false },
    ],
    ["a login whose engine ends sessions", { ...leased, endsSessions: true }, { killsOpenSessions: true }],
    ["a certificate", { ...leased, engine: "pki" }, { revocation: { kind: "expiry-only" }, nativeExpiry: "full" }],
    [
      "a service account of its own",
      { ...leased, engine: "kubernetes", revocation: "immediate" },
      { revocation: { kind: "immediate" } },
    ],
  ])("says the truth about %s", (_, scope, capabilities) => {
    const parsed = parse(scope);
    expect(parsed.ok ? parsed.value.capabilities : parsed.fault).toMatchObject(capabilities);
  });

  it("with listing, what was lost can be found", () => {
    const parsed = parse(leased, { listing: true });
    expect(parsed.ok && parsed.value.capabilities).toMatchObject({ handle: "pre-known", listable: true });
  });

  it.each<[string, JsonObject, string]>([
    ["no policy", {}, "policies"],
    ["root", { policies: ["root"] }, "policies.0"],
    ["default", { policies: ["p", "default"] }, "policies.1"],
    ["a policy with a star", { policies: ["p*"] }, "policies.0"],
    ["a path that begins with a slash", { ...leased, path: "/database/creds/x" }, "path"],
    ["a path that climbs", { ...leased, path: "database/../sys/seal" }, "path"],
    ["a path with an escape", { ...leased, path: "database%2fcreds/x" }, "path"],
    ["a path with a query", { ...leased, path: "database/creds/x?list=1" }, "path"],
    ["a mount that a caller chooses", { ...leased, path: "${parameters.mount}/creds/x" }, "path"],
    ["a path too long for a target's name", { ...leased, path: `database/creds/${"x".repeat(120)}` }, "path"],
    ["a path without its engine", { policies: ["p"], path: "database/creds/x" }, "engine"],
    ["an engine without its path", { policies: ["p"], engine: "database" }, "engine"],
    ["a wrapped lease", { ...leased, wrapSeconds: 60 }, "wrapSeconds"],
    ["a field that sets the life", { ...leased, engine: "pki", fields: { ttl: "87600h" } }, "fields.ttl"],
    ["a field that is no text", { ...leased, fields: { a: 1 } }, "fields.a"],
    ["only expiring, where expiry is no end", { ...leased, revocation: "expiry-only" }, "revocation"],
    ["an unknown member", { ...leased, admin: true }, "admin"],
  ])("refuses %s", (_, scope, path) => expect(parse(scope)).toMatchObject({ ok: false, fault: { path } }));

  const nasty = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom("/", ".", "%", "2", "f", "e", "?", "#", "\\", "*", "+", "\n", "a", ",", " ") }),
    fc.stringMatching(/^[a-z0-9_.-]{1,12}$/),
    fc.constantFrom(
      "..",
      "%2e%2e%2fsys%2fseal",
      "a/../b",
      "x?list=true",
      "root",
      "a,root",
      "a%00",
      "${parameters.value}",
    ),
  );
  const slot = "${parameters.value}";

  it.each<[string, JsonObject, (filled: VaultScope, value: string) => boolean]>([
    ["a path", { ...leased, path: `database/creds/ledger-${slot}` }, pathIsOnePlainSegmentLonger],
    [
      "a policy",
      { ...leased, policies: [`ledger-${slot}`] },
      ({ policies }, text) => policies.join() === `ledger-${text}`,
    ],
    [
      "a field",
      { ...leased, fields: { common_name: `${slot}.example.com` } },
      ({ source }, text) => source.kind === "leased" && source.fields?.["common_name"] === `${text}.example.com`,
    ],
  ])("no value becomes structure of %s", (_, scope, isHeld) => {
    const template = parse(scope);
    if (!template.ok) throw new Error(template.fault.message);
    let filledOnes = 0;
    fc.assert(
      fc.property(nasty, (text) => {
        const filled = template.value.fill({ value: text });
        if (!filled.ok) return text.length < 8 || !filled.fault.message.includes(text);
        filledOnes += 1;
        return isHeld(filled.value, text) && /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(text);
      }),
      { numRuns: 1_000 },
    );
    expect(filledOnes).toBeGreaterThan(50);
  });

  it("a value cannot name root, whatever stands around it", () => {
    const whole = parse({ policies: ["${parameters.value}"] });
    if (!whole.ok) throw new Error(whole.fault.message);
    expect(whole.value.fill({ value: "reader" })).toMatchObject({ ok: true });
    for (const value of ["root", "default", "Root", "root/", ""]) expect(whole.value.fill({ value }).ok).toBe(false);
  });
});
