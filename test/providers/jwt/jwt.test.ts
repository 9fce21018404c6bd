/** The broker's own access tokens: their claims, their bounds, and what is said of them when they are killed. */
import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { jwtProviderType } from "../../../providers/jwt/index.ts";
import { loadProviderType, providerTypes } from "../../../providers/index.ts";
import type { Json, JsonObject } from "../../../src/kernel/canonical-json.ts";
import { epochMillis } from "../../../src/kernel/time.ts";
import type { Provider } from "../../../src/ports/provider.ts";
import { createProvider, createTestTools } from "../../support/provider-tools.ts";
import { dyingLease, mintRequest, revokeRequest, startOfTests } from "../../support/provider-requests.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await createProvider(jwtProviderType, {}, await createTestTools());
});

const scope = { audience: "https://ledger.example/", scopes: ["read", "list"], introspected: true };

async function claimsOf(wish: Parameters<typeof mintRequest>[1] = {}) {
  const request = mintRequest(scope, wish);
  const outcome = await provider.mint({ ...request, handle: provider.plan(request).handle });
  if (outcome.kind !== "minted" || outcome.minted.credential.kind !== "bearer")
    throw new Error(JSON.stringify(outcome));
  const token = outcome.minted.credential.value.reveal();
  return { request, minted: outcome.minted, claims: decodeJwt(token), header: decodeProtectedHeader(token) };
}

describe("jwt mint", () => {
  it("makes an RFC 9068 access token that names its lease, its task and its agent", async () => {
    const { request, minted, claims, header } = await claimsOf();
    expect(header).toMatchObject({ alg: "ES256", typ: "at+jwt" });
    expect(claims).toEqual({
      iss: "https://broker.example",
      sub: "system:serviceaccount:finance:invoice-bot",
      aud: "https://ledger.example/",
      client_id: "invoice-bot",
      jti: request.leaseId,
      iat: startOfTests / 1000,
      exp: startOfTests / 1000 + 120,
      scope: "read list",
      task_id: request.taskId,
    });
    expect(minted).toMatchObject({
      handle: { jti: request.leaseId, introspected: true },
      secretToKeep: null,
      findByFingerprint: false,
    });
  });

  it("never lives longer than its bound: rounded down", async () => {
    const { claims, minted } = await claimsOf({ expiresAt: epochMillis(startOfTests + 5_999) });
    expect([claims.exp, minted.nativeExpiresAt]).toEqual([startOfTests / 1000 + 5, startOfTests + 5_000]);
  });

  it.each([999, 0, -5_000])("refuses a lifetime of %d ms", async (span) => {
    const outcome = await provider.mint(mintRequest(scope, { expiresAt: epochMillis(startOfTests + span) }));
    expect(outcome).toEqual({ kind: "rejected", reason: "lifetime_under_a_second", retryable: false });
  });
});

describe("jwt revoke", () => {
  const unknown = dyingLease();
  const state = unknown.state.kind === "revoking" ? { ...unknown.state, outcomeUnknown: true } : unknown.state;
  it.each<[string, JsonObject, boolean, object]>([
    ["introspected", { introspected: true }, false, { kind: "dead-unverified" }],
    [
      "checked by signature only",
      { introspected: false },
      false,
      { kind: "expires-only", at: unknown.nativeExpiresAt },
    ],
    ["of a handle that does not say", {}, false, { kind: "expires-only", at: unknown.nativeExpiresAt }],
    ["introspected, never delivered", { introspected: true }, true, { kind: "already-gone" }],
    ["signature only, never delivered", { introspected: false }, true, { kind: "already-gone" }],
  ])("%s", async (_, handle, neverDelivered, verdict) => {
    const lease = dyingLease({ handle, ...(neverDelivered ? { state } : {}) });
    expect(await provider.revoke(revokeRequest({ lease, secret: null }))).toEqual(verdict);
  });
});

describe("jwt scope", () => {
  it.each<[JsonObject, kind: string, audience: string | undefined]>([
    [{ audience: "ledger", scopes: ["read"] }, "expiry-only", "ledger"],
    [{ audience: "https://a.example/", scopes: ["read"], introspected: false }, "expiry-only", "https://a.example/"],
    [{ audience: "https://a.example/", scopes: ["read"], introspected: true }, "immediate", "https://a.example/"],
    [{ audience: "https://a.example/${parameters.t}", scopes: ["read"] }, "expiry-only", undefined],
  ])("%j can be killed: %s", (raw, kind, audience) => {
    const parsed = provider.parseScope(raw);
    if (!parsed.ok) throw new Error(parsed.fault.message);
    expect([parsed.value.capabilities.revocation.kind, parsed.value.audience]).toEqual([kind, audience]);
  });

  it.each<[string, Json, path: string]>([
    ["no audience", { scopes: ["read"] }, "audience"],
    ["no scopes", { audience: "ledger" }, "scopes"],
    ["empty scopes", { audience: "ledger", scopes: [] }, "scopes"],
    ["two scopes in one text", { audience: "ledger", scopes: ["read list"] }, "scopes.0"],
    ["an audience with a fragment", { audience: "https://a.example/#x", scopes: ["read"] }, "audience"],
    ["an unknown member", { audience: "ledger", scopes: ["read"], admin: true }, "admin"],
    ["introspected as text", { audience: "ledger", scopes: ["read"], introspected: "true" }, "introspected"],
  ])("refuses %s", (_, raw, path) =>
    expect(provider.parseScope(raw as JsonObject)).toEqual({ ok: false, fault: { path, message: expect.any(String) } }),
  );

  it("names the parameters that it needs, and says which value does not fit", () => {
    const parsed = provider.parseScope({
      audience: "https://a.example/${parameters.tenant}",
      scopes: ["read:${parameters.area}"],
    });
    if (!parsed.ok) throw new Error(parsed.fault.message);
    expect(parsed.value.placeholders).toEqual(["tenant", "area"]);
    expect(parsed.value.fill({ tenant: "a/b", area: "x" })).toEqual({
      ok: true,
      value: { audience: "https://a.example/a%2Fb", scopes: ["read:x"], introspected: false },
    });
    expect(parsed.value.fill({ tenant: "a", area: "x y" })).toMatchObject({ ok: false, fault: { path: "scopes.0" } });
  });
});

describe("provider types", () => {
  it.each(providerTypes)("%s is loaded under its own name", async (type) =>
    expect(await loadProviderType(type)).toMatchObject({ ok: true, value: { type } }),
  );

  it.each(["", "JWT", "toString", "__proto__"])("knows no type %j", async (type) =>
    expect(await loadProviderType(type)).toMatchObject({
      ok: false,
      fault: expect.stringContaining("there are aws-sts,"),
    }),
  );

  it("a provider's digest follows its options, and nothing else", async () => {
    const tools = await createTestTools();
    const digest = async (options: JsonObject) => (await createProvider(jwtProviderType, options, tools)).digest;
    expect(await digest({ maxTtlSeconds: 60 })).toBe(await digest({ maxTtlSeconds: 60 }));
    expect(await digest({ maxTtlSeconds: 60 })).not.toBe(await digest({ maxTtlSeconds: 61 }));
    expect((await jwtProviderType.create({ maxTtlSeconds: 0 }, tools)).ok).toBe(false);
  });
});
