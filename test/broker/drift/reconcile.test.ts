/** What lives at a provider against the ledger, both ways: what is ended, what is left alone, and what is not believed. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { driftGraceMillis } from "../../../src/broker/drift/judge.ts";
import { reconcile } from "../../../src/broker/drift/reconcile.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { ledgerDb, providerName } from "../../support/builders.ts";
import { openDriftWorld, type DriftWorld } from "./world.ts";

let world: DriftWorld;
beforeEach(async () => {
  world = await openDriftWorld();
});
afterEach(() => world.close());

const compare = () => reconcile(world.parts, ledgerDb);
const pass = (millis = driftGraceMillis): void => world.bench.clock.advance(millis);
const quiet = { strays: { ended: 0, young: 0, notEnded: 0 }, undone: 0, missing: 0, unfinished: null };

async function killed(lease: Lease): Promise<Lease> {
  const dead = await world.bench.judge(await world.bench.dying(lease), { kind: "dead-unverified" });
  world.system.alive.delete(lease.id);
  return dead;
}

describe("what lives there", () => {
  it("is left alone where a lease accounts for it, on every page", async () => {
    for (let index = 0; index < 5; index += 1) await world.minted();
    pass();
    expect(await compare()).toEqual({ provider: ledgerDb, found: 5, ...quiet });
    expect(world.system.alive.size).toBe(5);
  });

  it("is ended where the ledger never heard of it, told, and only past the grace", async () => {
    const stranger = world.bench.ids.lease();
    world.system.make("of-unknown-lease", stranger, null);
    world.system.make("of-nobody", null, world.bench.clock.now());
    pass(driftGraceMillis - 1);
    expect(await compare()).toMatchObject({ found: 2, strays: { ended: 0, young: 2 }, unfinished: null });
    pass(1);
    expect(await compare()).toMatchObject({ found: 2, strays: { ended: 2, young: 0 }, unfinished: null });
    expect([...world.system.alive.keys()]).toEqual([]);
    const told = (await world.audit()).filter(({ type }) => type === "stray.revoked");
    expect(told.map(({ data }) => data)).toEqual([
      { lease: null, name: "of-nobody", provider: ledgerDb, verdict: "dead-unverified" },
      { lease: stranger, name: "of-unknown-lease", provider: ledgerDb, verdict: "dead-unverified" },
    ]);
  });

  it("without any age is a stray once it was seen for as long as the grace", async () => {
    world.system.make("ageless", null, null);
    pass();
    expect(await compare()).toMatchObject({ strays: { ended: 0, young: 1 } });
    pass(driftGraceMillis);
    expect(await compare()).toMatchObject({ strays: { ended: 1, young: 0 } });
  });

  it("though the ledger had it dead, is due again", async () => {
    const lease = await world.minted();
    const dead = await killed(lease);
    world.system.make(lease.id, lease.id, null);
    pass(driftGraceMillis - 1);
    expect(await compare()).toMatchObject({ undone: 0, strays: { young: 1 } });
    pass(1);
    expect(await compare()).toMatchObject({ undone: 1, strays: { ended: 0 } });
    expect(dead.state.kind).toBe("revoked");
    expect(await world.bench.state(lease.id)).toMatchObject({ kind: "revoking", cause: "undone" });
    expect(world.told.map(([event]) => event)).toContain("kill_undone");
  });

  it("and certainly never was by the ledger, is ended as a stray", async () => {
    const intent = await world.bench.intended(await world.bench.opened());
    await world.bench.ledger.failMint({
      leaseId: intent.id,
      reason: "refused",
      cause: { actor: "broker", requestId: null },
    });
    world.system.make(intent.id, intent.id, null);
    pass();
    expect(await compare()).toMatchObject({ undone: 0, strays: { ended: 1 } });
  });

  it("and cannot be ended, is told and leaves the comparison unfinished", async () => {
    world.system.make("of-nobody", null, world.bench.clock.now());
    pass();
    world.system.break("stray");
    expect(await compare()).toMatchObject({ strays: { ended: 0, notEnded: 1 }, unfinished: "strays_not_ended" });
    expect(world.told).toContainEqual([
      "stray_not_ended",
      { provider: ledgerDb, name: "of-nobody", reason: "permission" },
    ]);
    expect(await world.bench.ledger.listProviderNotes()).toEqual([]);
  });

  it("under a name that somebody else chose, is told without it", async () => {
    world.system.make("a\nb <script>", null, world.bench.clock.now());
    pass();
    await compare();
    expect(JSON.stringify([world.told, await world.audit()])).not.toContain("script");
  });
});

describe("what needs its secret to be killed", () => {
  it("is ended as a stray when it lives on: the secret went with the death", async () => {
    await world.close();
    world = await openDriftWorld({ needsSecret: true });
    const lease = await world.minted();
    await killed(lease);
    world.system.make(lease.id, lease.id, null);
    pass();
    expect(await compare()).toMatchObject({ undone: 0, strays: { ended: 1 } });
  });
});

describe("what lives only here", () => {
  it("is due, past the grace, and what is there or dies already is not touched", async () => {
    const [missing, there, dying] = [await world.minted(), await world.minted(), await world.minted()];
    await world.bench.dying(dying);
    world.system.alive.delete(missing.id);
    world.system.alive.delete(dying.id);
    pass(driftGraceMillis - 1);
    expect(await compare()).toMatchObject({ missing: 0 });
    pass(1);
    expect(await compare()).toMatchObject({ missing: 1, unfinished: null });
    expect(await world.bench.state(missing.id)).toMatchObject({ kind: "revoking", cause: "missing" });
    expect(await world.bench.state(there.id)).toMatchObject({ kind: "active" });
    expect(await world.bench.state(dying.id)).toMatchObject({ cause: "requested" });
  });

  it("is not looked for with a list of another system, or of another provider", async () => {
    const elsewhere = await world.minted({ lease: { providerDigest: "other-system.digest" } });
    const other = await world.minted({ lease: { provider: providerName("other") } });
    world.system.alive.clear();
    pass();
    expect(await compare()).toMatchObject({ missing: 0 });
    expect(await world.bench.state(elsewhere.id)).toMatchObject({ kind: "active" });
    expect(await world.bench.state(other.id)).toMatchObject({ kind: "active" });
  });

  it("is not believed where most of it would be missing", async () => {
    const leases: Lease[] = [];
    for (let index = 0; index < 11; index += 1) leases.push(await world.minted());
    world.system.alive.clear();
    pass();
    expect(await compare()).toMatchObject({ missing: 0, unfinished: "most_are_missing" });
    for (const { id } of leases) expect(await world.bench.state(id)).toMatchObject({ kind: "active" });
  });
});

describe("a comparison", () => {
  it.each<["list" | "throw", string]>([
    ["list", "permission"],
    ["throw", "no_answer"],
  ])("that is refused (%s) ends nothing, and says why", async (fault, why) => {
    const lease = await world.minted();
    world.system.alive.clear();
    world.system.make("of-nobody", null, world.bench.clock.now());
    pass();
    world.system.break(fault);
    expect(await compare()).toMatchObject({ found: 0, missing: 0, unfinished: why });
    expect(world.system.alive.size).toBe(1);
    expect(await world.bench.state(lease.id)).toMatchObject({ kind: "active" });
    expect(await world.bench.ledger.listProviderNotes()).toEqual([]);
  });

  it("that was finished is noted for all nodes", async () => {
    await compare();
    const at = world.bench.clock.now();
    expect(await world.bench.ledger.listProviderNotes()).toMatchObject([{ reconciled: { generation: 1, at } }]);
  });

  it("of a provider that cannot list, or is not in the policy, says so", async () => {
    expect(await reconcile(world.parts, providerName("nobody"))).toMatchObject({ unfinished: "cannot_list" });
  });
});
