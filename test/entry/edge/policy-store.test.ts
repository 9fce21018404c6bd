/** The last good policy in an object's storage, and a broker that starts with it. */
import { describe, expect, it } from "vitest";
import { bundledPolicy } from "../../../src/entry/edge/policy-source.ts";
import { keptPolicy } from "../../../src/entry/edge/policy-store.ts";
import { loadEdgeProviderType } from "../../../src/entry/edge/provider-types.ts";
import { createPolicyHost } from "../../../src/entry/policy-host.ts";
import { createProviderRegistry } from "../../../src/entry/provider-registry.ts";
import type { KeptPolicy } from "../../../src/entry/load-policy.ts";
import { openMemoryLedger } from "../../../src/engines/memory/ledger.ts";
import { emptyState } from "../../../src/engines/memory/state.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { sampleFiles } from "../../support/policy-sample.ts";
import { createTestTools } from "../../support/provider-tools.ts";

function createStore() {
  const entries = new Map<string, unknown>();
  const puts: string[][] = [];
  return {
    entries,
    puts,
    get: async (keys: string[]) =>
      new Map(keys.filter((key) => entries.has(key)).map((key) => [key, entries.get(key)])),
    put: async (more: Record<string, string>) => {
      puts.push(Object.keys(more));
      for (const [key, text] of Object.entries(more)) entries.set(key, text);
    },
  };
}

describe("the kept policy", () => {
  const large = [
    { path: "a.yaml", text: "ä✓😀\n".repeat(60_000) },
    { path: "b.yaml", text: "" },
  ];

  it("comes back as it was kept, in pieces that one value may hold", async () => {
    const store = createStore();
    await keptPolicy(store).keep(large);
    expect(await keptPolicy(store).read()).toEqual(large);
    expect(store.puts).toEqual([["policy/head", "policy/0", "policy/1"]]);
    expect([...store.entries.values()].every((text) => /^[\x20-\x7e]{1,1000000}$/.test(String(text)))).toBe(true);
  });

  it("is written only where it differs, and a shorter one leaves nothing of the longer", async () => {
    const store = createStore();
    await keptPolicy(store).keep(large);
    await keptPolicy(store).keep(large);
    expect(store.puts).toHaveLength(1);
    const small = [{ path: "c.yaml", text: "c" }];
    await keptPolicy(store).keep(small);
    expect(await keptPolicy(store).read()).toEqual(small);
  });

  it.each<[string, string, unknown]>([
    ["nothing", "policy/head", undefined],
    ["a head that is no JSON", "policy/head", "{"],
    ["a head of too many pieces", "policy/head", '{"digest":"x","pieces":1000000000}'],
    ["a head that is no text", "policy/head", 7],
    ["another piece", "policy/1", "[]"],
    ["a piece less", "policy/1", undefined],
  ])("is none where %s is found", async (_, key, value) => {
    const store = createStore();
    await keptPolicy(store).keep(large);
    if (value === undefined) store.entries.delete(key);
    else store.entries.set(key, value);
    expect(await keptPolicy(store).read()).toBeUndefined();
  });
});

it("a kept policy of which a letter changed is none", async () => {
  const store = createStore();
  await keptPolicy(store).keep([{ path: "a.yaml", text: "role: agent" }]);
  store.entries.set("policy/0", String(store.entries.get("policy/0")).replace("agent", "owner"));
  expect(await keptPolicy(store).read()).toBeUndefined();
});

describe("a broker that is started again", () => {
  const good = [{ path: "issuer.yaml", text: sampleFiles["issuer.yaml"] ?? "" }];
  const broken = [{ path: "issuer.yaml", text: "apiVersion: [" }];

  async function start(files: typeof good, kept: KeptPolicy) {
    const tools = await createTestTools();
    const told: string[] = [];
    const tell = (event: string) => void told.push(event);
    const registry = createProviderRegistry({
      ...tools,
      ledgerOf: () => tools.ledger,
      issuingHttp: tools.http,
      revokingHttp: tools.http,
      loadType: loadEdgeProviderType,
    });
    const clock = createManualClock();
    const counted: string[] = [];
    const host = await createPolicyHost({
      source: { ...bundledPolicy(files, kept), read: () => bundledPolicy(files, kept).read() },
      registry,
      ledger: openMemoryLedger({ clock, state: emptyState() }),
      clock,
      log: { info: tell, warn: tell, error: tell },
      metrics: { count: (name) => void counted.push(name), gauge: () => {}, observeSeconds: () => {} },
      mode: "production",
      kills: { of: () => undefined, refresh: async () => {} },
    });
    await tools.close();
    return { host, issuers: host.ok ? [...host.value.current().issuers.keys()] : host.fault, told, counted };
  }

  it("begins with the last good policy while what is read is refused, and says so", async () => {
    const kept = keptPolicy(createStore());
    expect((await start(good, kept)).issuers).toEqual(["prod"]);
    const again = await start(broken, kept);
    expect(again.issuers).toEqual(["prod"]);
    expect(again.told).toEqual(["policy_fault", "policy_refused", "policy_warning", "policy_loaded"]);
    expect(again.counted).toEqual(["mayfly_policy_reload_failures_total"]);
    expect((await start(broken, kept)).issuers, "the refused one was not kept").toEqual(["prod"]);
  });

  it("says that what was refused is mended, also where it is the last good one again", async () => {
    const kept = keptPolicy(createStore());
    await start(good, kept);
    const files = [...broken];
    const { host, told } = await start(files, kept);
    files.splice(0, 1, ...good);
    expect(host.ok && (await host.value.reload()).ok).toBe(true);
    expect(told.at(-1)).toBe("policy_mended");
  });

  it("without a good policy before does not begin, and tells what is wrong with this one", async () => {
    const { issuers } = await start(broken, keptPolicy(createStore()));
    expect(issuers).toEqual([expect.objectContaining({ file: "issuer.yaml" })]);
  });

  it("begins also where the storage of the kept one fails", async () => {
    const failing = {
      read: () => Promise.reject(new Error("storage")),
      keep: () => Promise.reject(new Error("storage")),
    };
    const { issuers, told } = await start(good, failing);
    expect([issuers, told]).toEqual([["prod"], ["policy_not_kept", "policy_warning", "policy_loaded"]]);
    expect((await start(broken, failing)).issuers).toEqual([expect.objectContaining({ file: "issuer.yaml" })]);
  });
});
