/** Options of the oauth provider: what is believed without asking, and every combination that makes no sense. */
import { describe, expect, it } from "vitest";
import { parseOAuthOptions } from "../../../providers/oauth/options.ts";
import { oauthCapabilities } from "../../../providers/oauth/scope.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";

const minimal = { issuer: "https://as.example", clientId: "broker" };
const secret = { env: "SECRET" };
const parse = (more: JsonObject) => parseOAuthOptions({ ...minimal, ...more });

describe("oauth options: what tokens can do", () => {
  it.each<[JsonObject, revocation: string, probe: string, needsSecret: boolean]>([
    [{}, "immediate", "control-plane", true],
    [{ accessTokens: "opaque", introspection: true }, "immediate", "control-plane", true],
    [{ introspection: false }, "expiry-only", "none", false],
    [{ introspection: false, revocation: "immediate" }, "immediate", "none", true],
    [{ revocation: "expiry-only" }, "expiry-only", "none", false],
    [{ accessTokens: "jwt" }, "expiry-only", "none", false],
    [{ accessTokens: "jwt", revocation: "immediate" }, "immediate", "control-plane", true],
    [{ accessTokens: "jwt", revocation: "immediate", introspection: false }, "immediate", "none", true],
  ])("%j: %s, probe %s", (more, revocation, probe, needsSecret) => {
    const options = parse(more);
    if (!options.ok) throw new Error(options.fault.message);
    const capabilities = oauthCapabilities(options.value);
    expect(capabilities).toMatchObject({ revocation: { kind: revocation }, probe, needsSecretToRevoke: needsSecret });
    expect(capabilities.handle).toBe(needsSecret ? "secret-itself" : "returned");
    expect(capabilities.ttl).toEqual({ kind: "server-decides", assumedMaxSeconds: 3600 });
  });
});

describe("oauth options: parsing", () => {
  it.each<[string, JsonObject]>([
    ["a client secret", { clientAuth: "client_secret_basic", clientSecret: secret }],
    [
      "a client secret for a server that does not decode it",
      { clientAuth: "client_secret_basic", clientSecret: secret, clientSecretEncoding: "none" },
    ],
    ["an assertion for the called endpoint", { assertionAudience: "called_endpoint" }],
    ["metadata that is known to be incomplete", { ignoreMetadata: ["grant_types_supported"] }],
    ["a key of its own", { clientKey: { file: "/run/key.json" } }],
    ["an issuer with a path", { issuer: "https://as.example/tenants/one" }],
    [
      "no discovery, with all endpoints",
      {
        discovery: false,
        tokenEndpoint: "https://as.example/t",
        revocationEndpoint: "https://as.example/r",
        introspectionEndpoint: "https://as.example/i",
      },
    ],
    [
      "no discovery, tokens that only expire",
      { discovery: false, tokenEndpoint: "https://as.example/t", revocation: "expiry-only" },
    ],
  ])("accepts %s", (_, more) => expect(parse(more).ok).toBe(true));

  it.each<[string, JsonObject, path: string]>([
    ["no issuer", { issuer: undefined }, "issuer"],
    ["no client id", { clientId: undefined }, "clientId"],
    ["an issuer that is no URL", { issuer: "as.example" }, "issuer"],
    ["an issuer with a query", { issuer: "https://as.example/?tenant=1" }, "issuer"],
    ["an unknown client authentication", { clientAuth: "none" }, "clientAuth"],
    ["a secret inline", { clientAuth: "client_secret_basic", clientSecret: "hunter2" }, "clientSecret"],
    ["no secret where one is needed", { clientAuth: "client_secret_post" }, "clientSecret"],
    ["a secret where a key signs", { clientSecret: secret }, "clientSecret"],
    [
      "a key where a secret is sent",
      { clientAuth: "client_secret_basic", clientSecret: secret, clientKey: secret },
      "clientKey",
    ],
    [
      "an assertion audience without assertion",
      { clientAuth: "client_secret_basic", clientSecret: secret, assertionAudience: "issuer" },
      "assertionAudience",
    ],
    [
      "an encoding where nothing is encoded",
      { clientAuth: "client_secret_post", clientSecret: secret, clientSecretEncoding: "none" },
      "clientSecretEncoding",
    ],
    [
      "no encoding of a client id with a colon",
      { clientId: "a:b", clientAuth: "client_secret_basic", clientSecret: secret, clientSecretEncoding: "none" },
      "clientSecretEncoding",
    ],
    ["ignoring who the issuer is", { ignoreMetadata: ["issuer"] }, "ignoreMetadata"],
    ["introspection with nothing to observe", { revocation: "expiry-only", introspection: true }, "introspection"],
    [
      "jwt tokens with introspection but no declared revocation",
      { accessTokens: "jwt", introspection: true },
      "introspection",
    ],
    ["no discovery and no token endpoint", { discovery: false, revocation: "expiry-only" }, "tokenEndpoint"],
    [
      "no discovery and no revocation endpoint",
      { discovery: false, tokenEndpoint: "https://as.example/t", introspection: false, revocation: "immediate" },
      "revocationEndpoint",
    ],
    [
      "no discovery and no introspection endpoint",
      { discovery: false, tokenEndpoint: "https://as.example/t", revocationEndpoint: "https://as.example/r" },
      "introspectionEndpoint",
    ],
    ["a token lifetime of no time", { maxTokenSeconds: 0 }, "maxTokenSeconds"],
    ["a token lifetime in milliseconds", { maxTokenSeconds: 3_600_000 }, "maxTokenSeconds"],
    ["an unknown member", { token_endpoint: "https://as.example/t" }, "token_endpoint"],
  ])("refuses %s", (_, more, path) => {
    expect(parse(more)).toEqual({ ok: false, fault: { path, message: expect.any(String) } });
    expect(JSON.stringify(parse(more))).not.toContain("hunter2");
  });
});
