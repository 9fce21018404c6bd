/** What the oauth provider makes of answers that a careless or hostile server could give to a mint. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify } from "jose";
import { oauthProviderType } from "../../../providers/oauth/index.ts";
import type { MintOutcome } from "../../../src/ports/provider.ts";
import { createProvider, createTestTools } from "../../support/provider-tools.ts";
import { mint, startOfTests } from "../../support/provider-requests.ts";
import { startScriptedOAuth, type ScriptedOAuth } from "../../support/scripted-oauth.ts";

const scope = { scopes: ["read", "list"], resource: "https://api.example/" };
const good = { access_token: "opaque-token", token_type: "Bearer", expires_in: 60, scope: "read list" };

let oauth: ScriptedOAuth;
beforeAll(async () => {
  oauth = await startScriptedOAuth({ maxTokenSeconds: 600 });
});
afterAll(() => oauth.close());

async function mintWith(status: number, body: unknown): Promise<MintOutcome> {
  oauth.answer("/token", status, body);
  return mint(oauth.provider, scope);
}

describe("oauth mint: a success", () => {
  it.each<[string, object, wider: boolean, lifetimeSeconds: number, granted: string | null]>([
    ["as asked", {}, false, 60, "read list"],
    ["in another order", { scope: "list read" }, false, 60, "list read"],
    ["narrower", { scope: "read" }, false, 60, "read"],
    ["without a scope", { scope: undefined }, false, 60, null],
    ["with one scope more", { scope: "read list admin" }, true, 60, "read list admin"],
    ["with another scope", { scope: "admin" }, true, 60, "admin"],
    ["with a scope in other case", { scope: "READ" }, true, 60, "READ"],
    ["with a token type in other case", { token_type: "bearer" }, false, 60, "read list"],
    ["bound to a key", { token_type: "DPoP" }, true, 60, "read list"],
    ["without a token type", { token_type: undefined }, true, 60, "read list"],
    ["without a lifetime", { expires_in: undefined }, false, 600, "read list"],
    ["with a lifetime as text", { expires_in: "60" }, false, 600, "read list"],
    ["as long as configured", { expires_in: 600 }, false, 600, "read list"],
    ["longer than configured", { expires_in: 601 }, true, 601, "read list"],
    ["for ever", { expires_in: 1e300 }, true, 365 * 24 * 3600, "read list"],
    ["with a refresh token", { refresh_token: "refresh-canary" }, false, 60, "read list"],
  ])("%s", async (_, more, wider, lifetimeSeconds, granted) => {
    const outcome = await mintWith(200, { ...good, ...more });
    if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
    expect(outcome.minted.granted).toEqual({ wider, scope: granted });
    expect(outcome.minted.nativeExpiresAt).toBe(startOfTests + lifetimeSeconds * 1000);
    expect(outcome.minted.findByFingerprint).toBe(true);
    expect(JSON.stringify(outcome)).not.toMatch(/opaque-token|refresh-canary/);
  });

  it.each<[string, unknown]>([
    ["no JSON", "token=opaque-token"],
    ["a list", [good]],
    ["no token", { ...good, access_token: undefined }],
    ["an empty token", { ...good, access_token: "" }],
    ["a token that is no text", { ...good, access_token: 7 }],
    ["a token with a line break", { ...good, access_token: "a\r\nb" }],
    ["a token that is too long", { ...good, access_token: "x".repeat(16_385) }],
    ["an error", { error: "invalid_scope" }],
  ])("that cannot be read (%s) is unknown", async (_, body) => {
    expect(await mintWith(200, body)).toEqual({ kind: "unknown", reason: "unreadable_answer" });
  });
});

describe("oauth mint: a failure", () => {
  it.each<[string, number, unknown, MintOutcome]>([
    ["invalid_scope", 400, { error: "invalid_scope" }, { kind: "rejected", reason: "invalid_scope", retryable: false }],
    [
      "invalid_target",
      400,
      { error: "invalid_target" },
      { kind: "rejected", reason: "invalid_target", retryable: false },
    ],
    [
      "invalid_client",
      401,
      { error: "invalid_client" },
      { kind: "rejected", reason: "invalid_client", retryable: false },
    ],
    ["own words", 400, { error: "canary" }, { kind: "rejected", reason: "other", retryable: false }],
    ["no OAuth error", 404, "<html>", { kind: "rejected", reason: "status_404", retryable: false }],
    ["429", 429, "", { kind: "rejected", reason: "status_429", retryable: true }],
    ["an odd status without OAuth error", 418, "", { kind: "unknown", reason: "status_418" }],
    ["201", 201, good, { kind: "unknown", reason: "status_201" }],
    ["302", 302, "", { kind: "unknown", reason: "status_302" }],
    ["503", 503, { error: "temporarily_unavailable" }, { kind: "unknown", reason: "status_503" }],
  ])("%s", async (_, status, body, outcome) => expect(await mintWith(status, body)).toEqual(outcome));

  it("a port that nobody listens to is a certain no", async () => {
    const tools = await createTestTools();
    const endpoints = {
      tokenEndpoint: "http://127.0.0.1:1/",
      revocationEndpoint: "http://127.0.0.1:1/",
      introspectionEndpoint: "http://127.0.0.1:1/",
    };
    const provider = await createProvider(
      oauthProviderType,
      { issuer: "http://127.0.0.1:1", clientId: "broker", discovery: false, ...endpoints },
      tools,
    );
    expect(await mint(provider, scope)).toEqual({ kind: "rejected", reason: "not_sent", retryable: true });
    await tools.close();
  });
});

describe("oauth mint: what is sent", () => {
  const lastForm = () => new URLSearchParams(oauth.server.seen.findLast(({ path }) => path === "/token")?.body);

  it("asks for exactly the scope and the resource", async () => {
    await mintWith(200, good);
    const form = Object.fromEntries(lastForm());
    expect(form).toMatchObject({
      grant_type: "client_credentials",
      scope: "read list",
      resource: "https://api.example/",
      client_id: "broker",
    });
  });

  it("proves the broker with a fresh, short assertion for the issuer alone", async () => {
    await mintWith(200, good);
    const first = lastForm().get("client_assertion") ?? "";
    await mintWith(200, good);
    const second = lastForm().get("client_assertion") ?? "";
    const [claims, header] = [decodeJwt(first), decodeProtectedHeader(first)];
    expect(claims).toEqual({
      iss: "broker",
      sub: "broker",
      aud: oauth.url,
      jti: expect.any(String),
      iat: startOfTests / 1000,
      exp: startOfTests / 1000 + 60,
    });
    expect(header).toMatchObject({ alg: "ES256", typ: "client-authentication+jwt" });
    expect(decodeJwt(second).jti).not.toBe(claims.jti);
  });

  it.each([
    ["issuer", "", ""],
    ["token_endpoint", "/token", "/token"],
    ["called_endpoint", "/token", "/introspect"],
  ])("names in assertions, with %s, what they are for", async (assertionAudience, atMint, atProbe) => {
    const other = await startScriptedOAuth({ assertionAudience });
    other.answer("/token", 200, good);
    await mint(other.provider, scope);
    await other.provider.check(new AbortController().signal);
    const audiences = ["/token", "/introspect"].map((endpoint) => {
      const form = new URLSearchParams(other.server.seen.findLast(({ path }) => path === endpoint)?.body);
      return decodeJwt(form.get("client_assertion") ?? "").aud;
    });
    expect(audiences).toEqual([`${other.url}${atMint}`, `${other.url}${atProbe}`]);
    await other.close();
  });

  it.each([
    ["form", "a:b", "a%3Ab:s+%2B%25"],
    ["none", "ab", "ab:s +%"],
  ])("sends Basic credentials encoded as told: %s", async (clientSecretEncoding, clientId, sent) => {
    const tools = await createTestTools({ secrets: { SECRET: "s +%" } });
    const options = {
      issuer: oauth.url,
      clientId,
      clientAuth: "client_secret_basic",
      clientSecret: { env: "SECRET" },
      clientSecretEncoding,
    };
    oauth.answer("/token", 200, good);
    await mint(await createProvider(oauthProviderType, options, tools), scope);
    const { authorization = "" } = oauth.server.seen.findLast(({ path }) => path === "/token")?.headers ?? {};
    expect(atob(authorization.replace("Basic ", ""))).toBe(sent);
    await tools.close();
  });

  it.each(["ES256", "EdDSA", "RS256"])("signs with a key of its own: %s", async (algorithm) => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: "mine", key_ops: ["sign"], ext: true };
    const tools = await createTestTools({ secrets: { KEY: JSON.stringify(jwk) } });
    const provider = await createProvider(
      oauthProviderType,
      { issuer: oauth.url, clientId: "broker", clientKey: { env: "KEY" }, assertionAudience: "token_endpoint" },
      tools,
    );
    oauth.answer("/token", 200, good);
    expect((await mint(provider, scope)).kind).toBe("minted");
    const assertion = lastForm().get("client_assertion") ?? "";
    const key = await importJWK(await exportJWK(publicKey), algorithm);
    const { protectedHeader, payload } = await jwtVerify(assertion, key, { algorithms: [algorithm] });
    expect([protectedHeader.kid, payload.aud]).toEqual(["mine", `${oauth.url}/token`]);
    await tools.close();
  });

  it.each([
    ["no such name", {}, "clientKey"],
    ["no JSON", { KEY: "hunter2" }, "clientKey"],
    ["a public key", { KEY: '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}' }, "clientKey"],
    ["a broken key", { KEY: '{"kty":"EC","crv":"P-256","x":"hunter2","y":"AA","d":"AA"}' }, "clientKey"],
    ["a symmetric key", { KEY: '{"kty":"oct","k":"hunter2"}' }, "clientKey"],
  ])("refuses a key of its own that is %s", async (_, secrets, path) => {
    const tools = await createTestTools({ secrets });
    const created = await oauthProviderType.create(
      { issuer: oauth.url, clientId: "broker", clientKey: { env: "KEY" } },
      tools,
    );
    expect(created).toEqual({ ok: false, fault: { path, message: expect.any(String) } });
    expect(JSON.stringify(created)).not.toContain("hunter2");
    await tools.close();
  });

  it("refuses a client secret with a line break", async () => {
    const tools = await createTestTools({ secrets: { SECRET: "two\nlines" } });
    const options = {
      issuer: oauth.url,
      clientId: "broker",
      clientAuth: "client_secret_basic",
      clientSecret: { env: "SECRET" },
    };
    expect(await oauthProviderType.create(options, tools)).toMatchObject({
      ok: false,
      fault: { path: "clientSecret" },
    });
    await tools.close();
  });
});
