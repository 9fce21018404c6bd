/**
 * Reloads that overlap, a store that does not take a policy, a loader that throws, a secret that was rotated: the newest
 * good set is in force.
 */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadProviderType } from "../../providers/index.ts";
import { createKillRecords } from "../../src/broker/operate/kill-records.ts";
import { policyFolder } from "../../src/entry/policy-folder.ts";
import { createPolicyHost, type PolicyHost } from "../../src/entry/policy-host.ts";
import { createProviderRegistry, type ProviderRegistry, type ProviderSet } from "../../src/entry/provider-registry.ts";
import { secretResolver } from "../../src/entry/resolve-secret.ts";
import type { JsonObject } from "../../src/kernel/canonical-json.ts";
import { err, ok } from "../../src/kernel/result.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { LedgerHarness } from "../kit/ledger/harness.ts";
import { providerName } from "../support/builders.ts";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { createTestTools, type TestTools } from "../support/provider-tools.ts";
import { silentMetrics } from "../support/silent.ts";
import { makeSqliteHarness } from "../support/sqlite-harness.ts";

let tools: TestTools;
let bench: LedgerHarness;
let dir: string;
beforeEach(async () => {
  [tools, bench, dir] = [await createTestTools(), await makeSqliteHarness(), await mkdtemp(join(tmpdir(), "mayfly-"))];
  await write("first-bot");
});
afterEach(async () => {
  await Promise.all([tools.close(), bench.close(), rm(dir, { recursive: true })]);
});

/** A policy with one agent, and with a provider if it is told how that one proves itself. */
const write = (agent: string, provider?: JsonObject) =>
  writeFile(
    join(dir, "policy.yaml"),
    [
      { kind: "TrustedIssuer", name: "cluster", spec: issuer },
      { kind: "AgentProfile", name: agent, spec: { role: "agent", identity, owners } },
      ...(provider === undefined ? [] : [{ kind: "Provider", name: "ledger", spec: { ...oauth, ...provider } }]),
    ]
      .map(({ kind, name, spec }) => JSON.stringify({ apiVersion: "mayfly.dev/v1", kind, metadata: { name }, spec }))
      .join("\n---\n"),
  );
const issuer = {
  issuer: "https://oidc.example",
  audience: "https://broker.example",
  algorithms: ["ES256"],
  keys: { discovery: true },
  maxLifetimeSeconds: 3600,
};
const oauth = {
  type: "oauth",
  issuer: "https://sso.example",
  clientId: "mayfly",
  clientAuth: "client_secret_basic",
};
const identity = { issuer: "cluster", subject: "a workload" };
const owners = { businessApprover: "finance", technicalCustodian: "platform" };

const newRegistry = (): ProviderRegistry =>
  createProviderRegistry({
    ...tools,
    ledgerOf: () => tools.ledger,
    issuingHttp: tools.http,
    revokingHttp: tools.http,
    loadType: loadProviderType,
    resolveSecret: secretResolver({ SECRET: "s" }),
  });

interface Wish {
  readonly registry?: Partial<ProviderRegistry>;
  readonly ledger?: Partial<Ledger>;
  readonly mode?: "production" | "development";
  /** Gets every line of the log. */
  readonly told?: unknown[];
}

async function start(wish: Wish = {}) {
  const tell = (...line: readonly unknown[]): void => void wish.told?.push(line);
  const log = { info: tell, warn: tell, error: tell };
  const registry = { ...newRegistry(), ...wish.registry };
  const ledger = { ...bench.ledger, ...wish.ledger };
  const { clock } = bench;
  const host = await createPolicyHost({
    source: policyFolder(dir, { clock, log }),
    registry,
    ledger,
    clock,
    mode: wish.mode ?? "production",
    kills: createKillRecords({ ledger, clock, current: (name) => registry.lookup.issuing(name) }),
    log,
    metrics: silentMetrics,
  });
  if (!host.ok) throw new Error(host.fault.map(({ message }) => message).join("; "));
  return host.value;
}

const noProviders: ProviderSet = { pairs: new Map(), parseScope: () => err({ path: "", message: "no provider" }) };

const agentsOf = (host: PolicyHost): readonly string[] => [...host.current().agents.keys()];

it("of two reloads at once the newer files win", async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: filesAreRead, resolve: tellRead } = Promise.withResolvers<void>();
  let prepared = 0;
  const host = await start({
    registry: {
      async prepare() {
        prepared += 1;
        if (prepared === 2) {
          tellRead();
          await held;
        }
        return ok(noProviders);
      },
    },
  });
  await write("second-bot");
  const older = host.reload();
  await filesAreRead;
  await write("third-bot");
  const newer = host.reload();
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  letGo();
  await Promise.all([older, newer]);
  expect(agentsOf(host)).toEqual(["third-bot"]);
});

it("a policy that the store did not take is recorded when it does, so that who left it is shut out", async () => {
  let isInTrouble = false;
  const host = await start({
    ledger: {
      loadPolicy: (command) =>
        isInTrouble ? Promise.resolve({ kind: "unknown", reason: "disk_fault" }) : bench.ledger.loadPolicy(command),
    },
  });
  await write("second-bot");
  isInTrouble = true;
  await host.reload();
  expect([agentsOf(host), await bench.ledger.listDoors()]).toEqual([["second-bot"], []]);
  isInTrouble = false;
  bench.clock.advance(1000);
  await host.reload();
  expect((await bench.ledger.listDoors()).map(({ scope }) => scope)).toEqual([{ kind: "agent", name: "first-bot" }]);
});

it("a loader that throws leaves the last good set, and the next reload works", async () => {
  let throws = false;
  const host = await start({
    registry: {
      prepare() {
        if (throws) throw new Error("a bug");
        return Promise.resolve(ok(noProviders));
      },
    },
  });
  throws = true;
  await write("second-bot");
  expect((await host.reload()).ok).toBe(false);
  expect(agentsOf(host)).toEqual(["first-bot"]);
  throws = false;
  expect((await host.reload()).ok).toBe(true);
  expect(agentsOf(host)).toEqual(["second-bot"]);
});

it("a folder that is replaced is noticed without a word from the system", async () => {
  const host = await start();
  const unwatch = host.watch();
  try {
    await rename(dir, `${dir}-old`);
    await mkdir(dir);
    // The first may still be told by the folder's going; from then on the system watches a folder that is gone.
    for (const agent of ["second-bot", "third-bot"]) {
      await write(agent);
      await eventuallyTrue(`${agent} is in force`, () => {
        bench.clock.advance(5_000);
        return Promise.resolve(agentsOf(host).includes(agent));
      });
    }
    expect(agentsOf(host)).toEqual(["third-bot"]);
  } finally {
    unwatch();
    await rm(`${dir}-old`, { recursive: true });
  }
});

describe("what is wrong with a provider of a good policy", () => {
  const plain = { issuer: "http://sso.example", clientSecret: { env: "SECRET" } };
  const https = { clientSecret: { env: "SECRET" } };
  const toldOf = (told: readonly unknown[], event: string): readonly unknown[] =>
    told.flatMap((line) => (Array.isArray(line) && line[0] === event ? [line[1]] : []));
  const plainHttpOf = (told: readonly unknown[]): readonly unknown[] =>
    toldOf(told, "policy_warning").filter((fields) => JSON.stringify(fields).includes("plain http"));
  const unseen = [expect.objectContaining({ providers: "ledger" })];

  it("is told at the start, and again at each reload that takes a policy", async () => {
    await write("first-bot", plain);
    const told: unknown[] = [];
    const host = await start({ told });
    const plainHttp = { warning: expect.stringMatching(/^policy.yaml:.*spec.issuer: is plain http/) };
    expect([plainHttpOf(told), toldOf(told, "provider_kill_not_seen")]).toEqual([[plainHttp], unseen]);
    told.length = 0;
    await host.reload();
    expect(told).toEqual([]);
    await write("second-bot", plain);
    await host.reload();
    expect([plainHttpOf(told), toldOf(told, "provider_kill_not_seen")]).toEqual([[plainHttp], unseen]);
  });

  it("is no plain http in development, and none where it is https", async () => {
    const told: unknown[] = [];
    await write("first-bot", plain);
    await start({ told, mode: "development" });
    await write("first-bot", https);
    await start({ told });
    expect(plainHttpOf(told)).toEqual([]);
  });

  it("is no unseen kill once it was seen, nor while the store cannot say; the policy is in force all the same", async () => {
    await write("first-bot", https);
    const registry = newRegistry();
    const told: unknown[] = [];
    let isAway = false;
    const listProviderNotes = () =>
      isAway ? Promise.reject(new Error("the store is away")) : bench.ledger.listProviderNotes();
    const host = await start({ told, registry, ledger: { listProviderNotes } });
    expect(toldOf(told, "provider_kill_not_seen")).toEqual(unseen);
    told.length = 0;
    isAway = true;
    await write("second-bot", https);
    expect((await host.reload()).ok).toBe(true);
    expect([agentsOf(host), toldOf(told, "provider_kill_not_seen")]).toEqual([["second-bot"], []]);
    isAway = false;
    const name = providerName("ledger");
    const digest = registry.lookup.issuing(name)?.digest ?? "";
    await bench.ledger.noteProvider({ provider: name, seen: { kind: "kill", digest } });
    await write("third-bot", https);
    await host.reload();
    expect([agentsOf(host), toldOf(told, "provider_kill_not_seen")]).toEqual([["third-bot"], []]);
  });
});

describe("a provider's secret file that is rotated under an unchanged policy", () => {
  const ledger = providerName("ledger");
  let secrets: string;
  beforeEach(async () => {
    secrets = await mkdtemp(join(tmpdir(), "mayfly-secrets-"));
    await rotateTo("the first secret");
    await write("first-bot", { clientSecret: { file: join(secrets, "client") } });
  });
  afterEach(() => rm(secrets, { recursive: true }));
  const rotateTo = (secret: string) => writeFile(join(secrets, "client"), secret);

  it.each<[string, (host: PolicyHost) => unknown]>([
    ["a reload", (host) => host.reload()],
    ["a look at the files", () => bench.clock.advance(5_000)],
  ])("is in use after %s, and kills what was minted before", async (_, notice) => {
    const registry = newRegistry();
    const told: unknown[] = [];
    const host = await start({ registry, told });
    const unwatch = host.watch();
    try {
      for (const secret of ["the second secret", "the third secret"]) {
        const before = registry.lookup.issuing(ledger);
        await rotateTo(secret);
        await eventuallyTrue(`${secret} is in use`, async () => {
          await notice(host);
          return registry.lookup.issuing(ledger) !== before;
        });
        const digest = before?.digest ?? "";
        expect(registry.lookup.issuing(ledger)?.digest).toBe(digest);
        expect(registry.lookup.revoking(ledger, digest)).toBe(registry.current().get(ledger)?.revoking);
      }
      expect(told).toContainEqual(["provider_secrets_changed", { providers: "ledger" }]);
      expect(JSON.stringify(told)).not.toMatch(/first|second|third/);
    } finally {
      unwatch();
    }
  });

  it("that cannot be read changes nothing, and is taken once it can", async () => {
    const registry = newRegistry();
    const host = await start({ registry });
    const unwatch = host.watch();
    try {
      const before = registry.lookup.issuing(ledger);
      await rm(join(secrets, "client"));
      expect((await host.reload()).ok).toBe(false);
      expect(registry.lookup.issuing(ledger)).toBe(before);
      await rotateTo("the second secret");
      await eventuallyTrue("another instance issues", () => {
        bench.clock.advance(5_000);
        return Promise.resolve(registry.lookup.issuing(ledger) !== before);
      });
    } finally {
      unwatch();
    }
  });

  it("that reads the same makes no new instance", async () => {
    const registry = newRegistry();
    const host = await start({ registry });
    const before = registry.lookup.issuing(ledger);
    await rotateTo("the first secret");
    expect((await host.reload()).ok).toBe(true);
    expect(registry.lookup.issuing(ledger)).toBe(before);
  });
});

it("links to files are followed and names that begin with a dot left out, as in a mounted configuration map", async () => {
  await write("first-bot");
  await mkdir(join(dir, "..data-1"));
  await rename(join(dir, "policy.yaml"), join(dir, "..data-1", "policy.yaml"));
  await symlink("..data-1", join(dir, "..data"));
  await symlink(join("..data", "policy.yaml"), join(dir, "policy.yaml"));
  const host = await start();
  expect(agentsOf(host)).toEqual(["first-bot"]);
  await rm(join(dir, "..data-1"), { recursive: true });
  expect((await host.reload()).ok, "a link to nothing is a fault, not a missing file").toBe(false);
  expect(agentsOf(host)).toEqual(["first-bot"]);
});
