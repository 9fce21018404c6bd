/** What a policy may name on Workers: every type of the release, or a word on where it works. */
import { describe, expect, it } from "vitest";
import { providerTypes } from "../../../providers/index.ts";
import { edgeProviderTypes, loadEdgeProviderType } from "../../../src/entry/edge/provider-types.ts";
import { edgeSecretResolver } from "../../../src/entry/edge/resolve-secret.ts";
import type { Json } from "../../../src/kernel/canonical-json.ts";

describe("edge provider types", () => {
  it.each(edgeProviderTypes)("%s is loaded under its own name", async (type) =>
    expect(await loadEdgeProviderType(type)).toMatchObject({ ok: true, value: { type } }),
  );

  it("each other type of the release says why not, and where it works", async () => {
    const others = providerTypes.filter((type) => !edgeProviderTypes.includes(type));
    expect(others).toEqual(["postgres"]);
    for (const type of others) {
      const told = await loadEdgeProviderType(type);
      expect(told).toEqual({ ok: false, fault: expect.stringMatching(/TCP.*Node/) });
    }
  });

  it.each(["", "JWT", "toString", "__proto__"])("knows no type %j", async (type) =>
    expect(await loadEdgeProviderType(type)).toEqual({
      ok: false,
      fault: expect.stringContaining("there are aws-sts,"),
    }),
  );
});

describe("edge secrets", () => {
  const resolve = edgeSecretResolver({ CLIENT_SECRET: "canary" });

  it("come from the Worker's own, redacted", async () => {
    const secret = await resolve({ env: "CLIENT_SECRET" });
    expect(secret.ok && secret.value.reveal()).toBe("canary");
    expect(JSON.stringify(secret)).not.toContain("canary");
  });

  it.each<[Json, RegExp]>([
    [{ env: "OTHER" }, /has no OTHER/],
    [{ file: "/run/secret" }, /Worker has none.*wrangler secret put/],
    ["canary", /must be \{ env: NAME \}/],
    [{ env: "CLIENT_SECRET", file: "x" }, /must be/],
  ])("%j is refused", async (reference, why) => {
    const secret = await resolve(reference);
    expect(secret.ok ? "" : secret.fault).toMatch(why);
    expect(JSON.stringify(secret)).not.toContain("canary");
  });
});
