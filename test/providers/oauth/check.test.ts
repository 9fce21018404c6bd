/** The check tells an operator what of the declared capabilities the server does not bear out. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { metadataPath, startScriptedOAuth, type ScriptedOAuth } from "../../support/scripted-oauth.ts";

const never = new AbortController().signal;

describe("oauth check", () => {
  let oauth: ScriptedOAuth;
  beforeEach(async () => {
    oauth = await startScriptedOAuth();
    oauth.answer("/introspect", 200, { active: false });
  });
  afterEach(() => oauth.close());

  it.each<[string, JsonObject]>([
    ["little metadata", {}],
    [
      "full metadata",
      { grant_types_supported: ["client_credentials"], token_endpoint_auth_methods_supported: ["private_key_jwt"] },
    ],
  ])("is content with %s", async (_, metadata) => {
    oauth.publish(metadata);
    expect(await oauth.provider.check(never)).toEqual({ ok: true, value: undefined });
  });

  it.each<[string, JsonObject, string]>([
    ["no such grant", { grant_types_supported: ["authorization_code"] }, "client_credentials"],
    [
      "no such client authentication",
      { token_endpoint_auth_methods_supported: ["client_secret_basic"] },
      "token endpoint does not take private_key_jwt",
    ],
    [
      "no such authentication for revocation",
      { revocation_endpoint_auth_methods_supported: ["none"] },
      "revocation endpoint does not take",
    ],
    ["no revocation endpoint", { revocation_endpoint: undefined }, "no_revocation_endpoint"],
    ["no introspection endpoint", { introspection_endpoint: undefined }, "no_introspection_endpoint"],
    ["another issuer", { issuer: "https://evil.example" }, "issuer_mismatch"],
  ])("reports %s", async (_, metadata, message) => {
    oauth.publish(metadata);
    expect(await oauth.provider.check(never)).toEqual({ ok: false, fault: expect.stringContaining(message) });
  });

  it("holds nothing against the server that the operator knows to be left out of its metadata", async () => {
    const ignored = await startScriptedOAuth({ ignoreMetadata: ["grant_types_supported"] });
    ignored.answer("/introspect", 200, { active: false });
    ignored.publish({ grant_types_supported: ["authorization_code"] });
    expect(await ignored.provider.check(never)).toEqual({ ok: true, value: undefined });
    ignored.publish({ grant_types_supported: [], token_endpoint_auth_methods_supported: ["none"] });
    expect(await ignored.provider.check(never)).toEqual({ ok: false, fault: expect.stringContaining("does not take") });
    await ignored.close();
  });

  it.each<[string, number, unknown, string]>([
    ["refused client authentication", 401, { error: "invalid_client" }, "refuses the broker's client authentication"],
    ["an error in own words", 400, { error: "canary" }, "answered 400 other"],
    ["a broken server", 500, "canary", "answered 500"],
  ])("reports %s", async (_, status, body, message) => {
    oauth.answer("/introspect", status, body);
    const checked = await oauth.provider.check(never);
    expect(checked).toEqual({ ok: false, fault: expect.stringContaining(message) });
    expect(JSON.stringify(checked)).not.toContain("canary");
  });

  it("asks anew each time", async () => {
    await oauth.provider.check(never);
    oauth.answer(metadataPath, 500, "");
    expect(await oauth.provider.check(never)).toEqual({ ok: false, fault: expect.stringContaining("metadata_status") });
  });
});
