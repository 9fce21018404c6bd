/** Endpoints are found on first use, remembered for a bounded time, and never asked for in a hurry after a failure. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endpointsOf, metadataUrls } from "../../../providers/oauth/endpoints.ts";
import { parseOAuthOptions } from "../../../providers/oauth/options.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { mint } from "../../support/provider-requests.ts";
import { metadataPath, openIdPath, startScriptedOAuth, type ScriptedOAuth } from "../../support/scripted-oauth.ts";

const scope = { scopes: ["read"], resource: null };
const token = { access_token: "opaque-token", token_type: "Bearer", expires_in: 60 };

describe("oauth discovery: over HTTP", () => {
  let oauth: ScriptedOAuth;
  beforeEach(async () => {
    oauth = await startScriptedOAuth();
    oauth.answer("/token", 200, token);
  });
  afterEach(() => oauth.close());
  const mintKind = async () => (await mint(oauth.provider, scope)).kind;
  const reason = async () => {
    const outcome = await mint(oauth.provider, scope);
    return outcome.kind === "rejected" ? `${outcome.reason} ${outcome.retryable}` : outcome.kind;
  };

  it("asks nothing at creation, once on first use, and again when it is old", async () => {
    expect(oauth.server.seen).toEqual([]);
    expect([await mintKind(), await mintKind()]).toEqual(["minted", "minted"]);
    expect(oauth.count(metadataPath)).toBe(1);
    oauth.advance(600_001);
    expect(await mintKind()).toBe("minted");
    expect(oauth.count(metadataPath)).toBe(2);
  });

  it("asks once for many at a time", async () => {
    const kinds = await Promise.all(Array.from({ length: 20 }, mintKind));
    expect(new Set(kinds)).toEqual(new Set(["minted"]));
    expect(oauth.count(metadataPath)).toBe(1);
  });

  it("takes OpenID Connect's place where the OAuth one is missing", async () => {
    oauth.answer(metadataPath, 404, "");
    oauth.answer(openIdPath, 200, {
      issuer: oauth.url,
      token_endpoint: `${oauth.url}/token`,
      revocation_endpoint: `${oauth.url}/revoke`,
      introspection_endpoint: `${oauth.url}/introspect`,
    });
    expect(await mintKind()).toBe("minted");
  });

  it("cools down after a failure, sends nothing meanwhile, and recovers", async () => {
    oauth.answer(metadataPath, 500, "");
    expect([await reason(), await reason()]).toEqual(["metadata_status true", "metadata_status true"]);
    expect([oauth.count(metadataPath), oauth.count("/token")]).toEqual([1, 0]);
    oauth.publish({});
    oauth.advance(5_001);
    expect(await mintKind()).toBe("minted");
  });

  it("goes on with what it knows while refreshing fails, for a day", async () => {
    expect(await mintKind()).toBe("minted");
    oauth.answer(metadataPath, 500, "");
    oauth.advance(12 * 3600 * 1000);
    expect(await mintKind()).toBe("minted");
    oauth.advance(13 * 3600 * 1000);
    expect(await reason()).toBe("metadata_status true");
  });

  it.each<[string, JsonObject, string]>([
    ["another issuer", { issuer: "https://evil.example" }, "issuer_mismatch true"],
    ["no issuer", { issuer: undefined }, "issuer_mismatch true"],
    ["no token endpoint", { token_endpoint: undefined }, "no_token_endpoint true"],
    ["an endpoint that is no URL", { revocation_endpoint: "revoke" }, "metadata_malformed true"],
    ["an endpoint of another scheme", { token_endpoint: "file:///etc/passwd" }, "metadata_malformed true"],
    ["no revocation endpoint", { revocation_endpoint: undefined }, "no_revocation_endpoint false"],
    ["no introspection endpoint", { introspection_endpoint: undefined }, "no_introspection_endpoint false"],
  ])("refuses to mint with metadata of %s", async (_, metadata, expected) => {
    oauth.publish(metadata);
    expect(await reason()).toBe(expected);
    expect(oauth.count("/token")).toBe(0);
  });

  it.each([
    ["no JSON", "<html>"],
    ["a list", []],
  ])("refuses %s as metadata", async (_, body) => {
    oauth.answer(metadataPath, 200, body);
    expect(await reason()).toBe("metadata_malformed true");
  });
});

describe("oauth discovery: endpoints", () => {
  it.each([
    [
      "https://as.example",
      "https://as.example/.well-known/oauth-authorization-server",
      "https://as.example/.well-known/openid-configuration",
    ],
    [
      "https://as.example/",
      "https://as.example/.well-known/oauth-authorization-server",
      "https://as.example/.well-known/openid-configuration",
    ],
    [
      "https://as.example/t/one",
      "https://as.example/.well-known/oauth-authorization-server/t/one",
      "https://as.example/t/one/.well-known/openid-configuration",
    ],
  ])("of %s", (issuer, ...urls) => expect(metadataUrls(issuer)).toEqual(urls));

  const options = (more: JsonObject) => {
    const parsed = parseOAuthOptions({ issuer: "https://as.example", clientId: "broker", ...more });
    if (!parsed.ok) throw new Error(parsed.fault.message);
    return parsed.value;
  };
  const metadata = {
    issuer: "https://as.example",
    token_endpoint: "https://as.example/t",
    revocation_endpoint: "https://as.example/r",
  };

  it("an option beats the metadata, and fills in what it lacks", () => {
    const found = endpointsOf(
      options({ tokenEndpoint: "https://other.example/t", introspectionEndpoint: "https://as.example/i" }),
      metadata,
    );
    expect(found).toEqual({
      ok: true,
      value: {
        token: "https://other.example/t",
        revocation: "https://as.example/r",
        introspection: "https://as.example/i",
        metadata,
      },
    });
  });

  it("never sends credentials from an https issuer to a plain http endpoint", () => {
    expect(endpointsOf(options({}), metadata).ok).toBe(true);
    expect(endpointsOf(options({}), { ...metadata, token_endpoint: "http://as.example/t" })).toEqual({
      ok: false,
      fault: "metadata_malformed",
    });
  });
});
