/** What the oauth provider makes of answers to a revocation and to the look afterwards. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { dyingLease, revokeRequest, startOfTests } from "../../support/provider-requests.ts";
import { metadataPath, startScriptedOAuth, type ScriptedOAuth } from "../../support/scripted-oauth.ts";

let oauth: ScriptedOAuth;
beforeAll(async () => {
  oauth = await startScriptedOAuth();
});
afterAll(() => oauth.close());

interface Answers {
  readonly revoke?: [status: number, body: unknown, headers?: Record<string, string>];
  readonly introspect?: [status: number, body: unknown];
}
function revokeWith(
  { revoke = [200, ""], introspect = [200, { active: false }] }: Answers,
  wish = {},
): Promise<Verdict> {
  oauth.answer("/revoke", ...revoke);
  oauth.answer("/introspect", ...introspect);
  return oauth.provider.revoke(revokeRequest(wish));
}

const lease = dyingLease();
const expiresOnly = { kind: "expires-only", at: lease.nativeExpiresAt };

describe("oauth revoke", () => {
  it.each<[string, Answers, object]>([
    ["200, then inactive", {}, { kind: "dead-verified" }],
    ["204, then inactive", { revoke: [204, ""] }, { kind: "dead-verified" }],
    [
      "200, still active",
      { introspect: [200, { active: true }] },
      { kind: "retry", reason: "still_active_after_revocation", of: "lease" },
    ],
    ["200, introspection down", { introspect: [503, ""] }, { kind: "retry", reason: "not_verified_status_503" }],
    [
      "200, introspection refuses us",
      { introspect: [401, { error: "invalid_client" }] },
      { kind: "retry", reason: "not_verified_invalid_client" },
    ],
    [
      "200, introspection says nothing",
      { introspect: [200, {}] },
      { kind: "retry", reason: "not_verified_status_200" },
    ],
    ["unsupported_token_type", { revoke: [400, { error: "unsupported_token_type" }] }, expiresOnly],
    [
      "invalid_client",
      { revoke: [401, { error: "invalid_client" }] },
      { kind: "refused", reason: "invalid_client", fix: expect.any(String) },
    ],
    [
      "401 without a word",
      { revoke: [401, ""] },
      { kind: "refused", reason: "invalid_client", fix: expect.any(String) },
    ],
    [
      "unauthorized_client",
      { revoke: [400, { error: "unauthorized_client" }] },
      { kind: "refused", reason: "unauthorized_client", fix: expect.any(String) },
    ],
    [
      "a foreign token, by a strict server",
      { revoke: [400, { error: "invalid_request" }] },
      { kind: "refused", reason: "invalid_request", fix: expect.any(String) },
    ],
    [
      "own words",
      { revoke: [400, { error: "canary" }] },
      { kind: "refused", reason: "other", fix: expect.any(String) },
    ],
    ["404", { revoke: [404, "<html>"] }, { kind: "refused", reason: "status_404", fix: expect.any(String) }],
    [
      "302",
      { revoke: [302, "", { location: "/" }] },
      { kind: "refused", reason: "status_302", fix: expect.any(String) },
    ],
    [
      "503 with a date",
      { revoke: [503, "", { "retry-after": "Sun, 22 Nov 2026 10:00:30 GMT" }] },
      { kind: "retry", reason: "status_503", after: 30_000 },
    ],
    ["503 without", { revoke: [503, ""] }, { kind: "retry", reason: "status_503" }],
    ["409", { revoke: [409, ""] }, { kind: "retry", reason: "status_409" }],
    ["server_error as 400", { revoke: [400, { error: "server_error" }] }, { kind: "retry", reason: "status_400" }],
  ])("%s", async (_, answers, verdict) => expect(await revokeWith(answers, { lease })).toEqual(verdict));

  it("is by the server's word where no probe was ever positive", async () => {
    expect(await revokeWith({}, { lease: dyingLease({ provenAlive: false }) })).toEqual({ kind: "dead-unverified" });
  });

  it("sends the token with its hint, and nothing at all without the token", async () => {
    await revokeWith({}, { lease });
    const form = new URLSearchParams(oauth.server.seen.findLast(({ path }) => path === "/revoke")?.body);
    expect([form.get("token"), form.get("token_type_hint")]).toEqual(["the-token-to-kill", "access_token"]);
    const before = oauth.server.seen.length;
    expect(await revokeWith({}, { lease, secret: null })).toEqual(expiresOnly);
    expect(oauth.server.seen.length).toBe(before);
  });

  it("waits for discovery to cool down, and says how long", async () => {
    const fresh = await startScriptedOAuth();
    fresh.answer(metadataPath, 500, "");
    const first = await fresh.provider.revoke(revokeRequest());
    fresh.advance(2_000);
    expect([first, await fresh.provider.revoke(revokeRequest())]).toEqual([
      { kind: "retry", reason: "metadata_status", after: 5_000 },
      { kind: "retry", reason: "metadata_status", after: 3_000 },
    ]);
    await fresh.close();
  });

  it("needs a person where the server lost its revocation endpoint", async () => {
    const fresh = await startScriptedOAuth();
    fresh.publish({ revocation_endpoint: undefined });
    expect(await fresh.provider.revoke(revokeRequest())).toMatchObject({
      kind: "refused",
      reason: "no_revocation_endpoint",
    });
    await fresh.close();
  });

  it("by trust: the server's word, without a look", async () => {
    const trusting = await startScriptedOAuth({ introspection: false, revocation: "immediate" });
    trusting.answer("/revoke", 200, "");
    expect(await trusting.provider.revoke(revokeRequest())).toEqual({ kind: "dead-unverified" });
    expect([trusting.count("/introspect"), "probe" in trusting.provider]).toEqual([0, false]);
    await trusting.close();
  });

  it("by time: asks nobody", async () => {
    const expiring = await startScriptedOAuth({ accessTokens: "jwt" });
    const nativeExpiresAt = dyingLease().nativeExpiresAt;
    expect(await expiring.provider.revoke(revokeRequest({ now: startOfTests }))).toEqual({
      kind: "expires-only",
      at: nativeExpiresAt,
    });
    expect(expiring.server.seen).toEqual([]);
    await expiring.close();
  });
});
