/** Which instance kills what another one minted: after a reload, and after a restart that remembers no old ones. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadProviderType } from "../../providers/index.ts";
import { createProviderRegistry, type ProviderRegistry } from "../../src/entry/provider-registry.ts";
import { secretResolver } from "../../src/entry/resolve-secret.ts";
import type { ScopeFault } from "../../src/domain/scope-template.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { ok, type Result } from "../../src/kernel/result.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { providerName } from "../support/builders.ts";
import { createTestTools, type TestTools } from "../support/provider-tools.ts";

const ledger = providerName("ledger");
const before: JsonObject = {
  issuer: "https://before.example",
  clientId: "mayfly",
  clientAuth: "client_secret_basic",
  clientSecret: { env: "SECRET" },
};

let tools: TestTools;
beforeAll(async () => {
  tools = await createTestTools();
});
afterAll(() => tools.close());

const start = (secrets: Record<string, string> = { SECRET: "not printable by accident" }): ProviderRegistry =>
  createProviderRegistry({
    ...tools,
    ledgerOf: () => tools.ledger,
    resolveSecret: secretResolver(secrets),
    issuingHttp: tools.http,
    revokingHttp: tools.http,
    loadType: loadProviderType,
  });

async function load(registry: ProviderRegistry, type: string, options: JsonObject): Promise<string> {
  const set = await registry.prepare(new Map([[ledger, { name: ledger, type, options }]]));
  if (!set.ok) throw new Error(set.fault.map(({ message }) => message).join());
  registry.activate(set.value);
  return registry.lookup.issuing(ledger)?.digest ?? "";
}

describe("who kills after a restart", () => {
  it.each<[string, string, JsonObject, boolean]>([
    ["the same configuration", "oauth", before, true],
    ["another lifetime", "oauth", { ...before, maxTokenSeconds: 60 }, true],
    ["another revocation endpoint", "oauth", { ...before, revocationEndpoint: "https://before.example/r" }, true],
    ["another authorization server", "oauth", { ...before, issuer: "https://after.example" }, false],
    ["another client there", "oauth", { ...before, clientId: "mayfly-2" }, false],
    ["another type", "jwt", {}, false],
  ])("%s", async (_, type, options, may) => {
    const digest = await load(start(), "oauth", before);
    const restarted = start();
    await load(restarted, type, options);
    expect(restarted.lookup.revoking(ledger, digest) !== undefined).toBe(may);
  });

  it("the broker's own tokens, whatever it is called now", async () => {
    const digest = await load(start(), "jwt", {});
    const renamed = createProviderRegistry({
      ...tools,
      ledgerOf: () => tools.ledger,
      issuerUrl: "https://renamed.example",
      issuingHttp: tools.http,
      revokingHttp: tools.http,
      loadType: loadProviderType,
    });
    await load(renamed, "jwt", { maxTtlSeconds: 60 });
    expect(renamed.lookup.revoking(ledger, digest)).toBeDefined();
  });
});

it("after a reload the old instance kills what it minted, and the new one what is new", async () => {
  const registry = start();
  const first = await load(registry, "oauth", before);
  const second = await load(registry, "oauth", { ...before, issuer: "https://after.example" });
  expect([first, second].map((digest) => registry.lookup.revoking(ledger, digest)?.digest)).toEqual([first, second]);
});

it("closes both instances of what it drops, and at its own end the rest", async () => {
  const closed: string[] = [];
  const registry = createProviderRegistry({
    ...tools,
    resolveSecret: secretResolver({ SECRET: "not printable by accident" }),
    issuingHttp: tools.http,
    revokingHttp: tools.http,
    ledgerOf: () => tools.ledger,
    loadType: async (name) => {
      const type = await loadProviderType(name);
      if (!type.ok) return type;
      const { value } = type;
      return ok({ ...value, create: async (...args) => noteClose(await value.create(...args), closed) });
    },
  });
  const first = await load(registry, "oauth", before);
  await load(registry, "oauth", before);
  expect(closed).toEqual([first, first]);
  const another = await load(registry, "oauth", { ...before, issuer: "https://after.example" });
  expect(closed).toEqual([first, first]);
  const unused = { ...before, issuer: "https://never.example" };
  await registry.prepare(new Map([[ledger, { name: ledger, type: "oauth", options: unused }]]));
  closed.length = 0;
  await registry.close();
  expect(closed).toHaveLength(6);
  expect(new Set(closed)).toContain(another);
});

function noteClose(created: Result<Provider, ScopeFault>, closed: string[]): Result<Provider, ScopeFault> {
  if (!created.ok) return created;
  const provider = created.value;
  return { ok: true, value: { ...provider, close: async () => void closed.push(provider.digest) } };
}

describe("once a secret was rotated, who kills what an earlier configuration minted", () => {
  it.each<[string, JsonObject, "the newest instance" | "the one that minted"]>([
    ["of the same system", { ...before, maxTokenSeconds: 60 }, "the newest instance"],
    ["of another system", { ...before, clientId: "mayfly-2" }, "the one that minted"],
  ])("%s", async (_, earlier, who) => {
    const secrets = { SECRET: "the first" };
    const registry = start(secrets);
    const digest = await load(registry, "oauth", earlier);
    const minter = registry.current().get(ledger)?.revoking;
    await load(registry, "oauth", before);
    expect(registry.lookup.revoking(ledger, digest)).toBe(minter);
    secrets.SECRET = "the second";
    await load(registry, "oauth", before);
    const newest = registry.current().get(ledger)?.revoking;
    expect(registry.lookup.revoking(ledger, digest)).toBe(who === "the one that minted" ? minter : newest);
  });
});
