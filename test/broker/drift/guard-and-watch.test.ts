/** Kills that stand only while they are kept, whose turn it is to look, and what a restore holds back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDriftWatch, type DriftWatch } from "../../../src/broker/drift/drift-watch.ts";
import { guardKills } from "../../../src/broker/drift/guard-kills.ts";
import { createRestoreHold, type RestoreHold } from "../../../src/broker/drift/restore-hold.ts";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { millis } from "../../../src/kernel/time.ts";
import { ledgerDb, ledgerTarget, providerName } from "../../support/builders.ts";
import { createSeededEntropy } from "../../support/seeded-entropy.ts";
import { openDriftWorld, type DriftWorld } from "./world.ts";

let world: DriftWorld;
beforeEach(async () => {
  world = await openDriftWorld();
});
afterEach(() => world.close());

async function denied(): Promise<Lease> {
  const lease = await world.minted({ capacity: 10 });
  return world.bench.judge(await world.bench.dying(lease), { kind: "dead-unverified" });
}

describe("a kill that must be kept", () => {
  const guard = () => guardKills(world.parts, ledgerDb, [ledgerTarget]);

  it("is asked for once it was said to be done, and left as it is while it stands", async () => {
    const dead = await denied();
    const dying = await world.minted({ capacity: 10 });
    await world.bench.dying(dying);
    expect(await guard()).toBe(0);
    expect(world.system.guarded.map(({ id }) => id)).toEqual([dead.id]);
    expect(await world.bench.state(dead.id)).toEqual(dead.state);
  });

  it("is taken back when it does not stand, and told", async () => {
    const [gone, stands] = [await denied(), await denied()];
    world.system.undone.add(gone.id);
    expect(await guard()).toBe(1);
    expect(await world.bench.state(gone.id)).toMatchObject({ kind: "revoking", cause: "undone" });
    expect(await world.bench.state(stands.id)).toEqual(stands.state);
    expect(world.told).toContainEqual([
      "kill_undone",
      { lease: gone.id, provider: ledgerDb, why: "kill_does_not_stand" },
    ]);
  });

  it("is not taken back on the word of a provider that was not asked for it", async () => {
    await denied();
    const other = await world.minted();
    const dead = await world.bench.judge(await world.bench.dying(other), { kind: "dead-unverified" });
    world.system.undone.add(dead.id);
    expect(await guard()).toBe(0);
    expect(await world.bench.state(dead.id)).toEqual(dead.state);
  });

  it("stays as it was where the system does not answer, and that is told", async () => {
    const dead = await denied();
    world.system.undone.add(dead.id);
    world.system.break("guard");
    expect(await guard()).toBe(null);
    expect(await world.bench.state(dead.id)).toEqual(dead.state);
    expect(world.told.map(([event]) => event)).toEqual(["kills_not_guarded"]);
  });
});

describe("what a kill ended beside what it was for", () => {
  const guard = () => guardKills(world.parts, ledgerDb, [ledgerTarget]);

  it("becomes due as missing, and is told", async () => {
    const [ended, other] = [await world.minted({ capacity: 10 }), await world.minted({ capacity: 10 })];
    world.system.endedToo.add(ended.id);
    expect(await guard()).toBe(0);
    expect(await world.bench.state(ended.id)).toMatchObject({ kind: "revoking", cause: "missing" });
    expect(await world.bench.state(other.id)).toEqual(other.state);
    expect(world.told).toEqual([["lease_missing", { lease: ended.id, provider: ledgerDb }]]);
    expect(await guard(), "again").toBe(0);
    expect(world.told).toHaveLength(1);
  });

  it("is not believed of a lease that was not asked for, be it dead or of another system", async () => {
    const dead = await denied();
    const elsewhere = await world.minted({ lease: { providerDigest: "another.digest" } });
    const here = await world.minted();
    for (const lease of [dead, elsewhere]) world.system.endedToo.add(lease.id);
    expect(await guard()).toBe(0);
    for (const lease of [dead, elsewhere, here]) expect(await world.bench.state(lease.id)).toEqual(lease.state);
  });

  it("stays as it was where the system does not answer, and that is told", async () => {
    const ended = await world.minted();
    world.system.endedToo.add(ended.id);
    world.system.break("ended");
    expect(await guard()).toBe(null);
    expect(await world.bench.state(ended.id)).toEqual(ended.state);
    expect(world.told.map(([event]) => event)).toEqual(["kills_not_guarded"]);
  });
});

describe("the watch", () => {
  const hold: RestoreHold = { isHeld: () => false, refresh: async () => {} };
  const policy = { providers: new Map([[ledgerDb, {}]]), bound: new Map() } as unknown as BoundPolicy;
  const watchOf = (seed: number): DriftWatch =>
    createDriftWatch({
      ...world.parts,
      entropy: createSeededEntropy(seed),
      policy: () => policy,
      drift: world.drift,
      hold,
    });
  const compared = (): number => world.told.filter(([event]) => event === "drift_compared").length;

  /** Rounds begin on a timer and end when the ledger has answered. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  it("of two nodes compares once an interval, and again in the next one", async () => {
    const watches = [watchOf(1), watchOf(2)];
    for (const watch of watches) watch.start();
    await settle();
    expect(compared()).toBe(1);
    for (let minute = 0; minute < 10; minute += 1) {
      world.bench.clock.advance(60_000);
      await settle();
    }
    expect(compared()).toBe(2);
    for (const watch of watches) watch.stop();
  });

  it("tries again in the next round what was not finished", async () => {
    world.system.break("list");
    const watch = watchOf(1);
    watch.start();
    await settle();
    world.system.break(null);
    world.bench.clock.advance(60_000);
    await settle();
    watch.stop();
    expect(world.told.filter(([event]) => event === "drift_compared").map(([, fields]) => fields)).toMatchObject([
      { unfinished: "permission" },
      { unfinished: null },
    ]);
  });

  it("looks every minute at kills that must be kept", async () => {
    const dead = await denied();
    world.system.make(dead.id, null, world.bench.clock.now());
    const watch = watchOf(1);
    watch.start();
    await settle();
    world.system.undone.add(dead.id);
    world.bench.clock.advance(60_000);
    await settle();
    watch.stop();
    expect(await world.bench.state(dead.id)).toMatchObject({ kind: "revoking", cause: "undone" });
  });

  it("compares when asked, but not while another node is at it", async () => {
    const watch = watchOf(1);
    expect(await watch.compare(ledgerDb)).toMatchObject({ found: 0, unfinished: null });
    const lock = { name: `compare:${ledgerDb}`, holder: "another", hold: millis(60_000) };
    await world.bench.ledger.takeLock(lock);
    expect(await watch.compare(ledgerDb)).toBe(null);
  });
});

describe("after a restore", () => {
  const holdOf = (generation: number): RestoreHold =>
    createRestoreHold({
      ledger: { listProviderNotes: async () => withGeneration(await world.bench.ledger.listProviderNotes()) },
      generation,
      current: (name) => (name === ledgerDb ? world.system.provider : undefined),
    });
  let comparedIn = 1;
  const withGeneration = (notes: Awaited<ReturnType<DriftWorld["bench"]["ledger"]["listProviderNotes"]>>) =>
    notes.map((note) => ({ ...note, reconciled: note.reconciled && { ...note.reconciled, generation: comparedIn } }));

  it("a provider that can list is held until it was compared since", async () => {
    await world.bench.ledger.noteProvider({ provider: ledgerDb, seen: { kind: "reconciled" } });
    const hold = holdOf(2);
    await hold.refresh();
    expect(hold.isHeld(ledgerDb), "compared before the restore").toBe(true);
    expect(hold.isHeld(providerName("cannot-list"))).toBe(false);
    comparedIn = 2;
    await hold.refresh();
    expect(hold.isHeld(ledgerDb)).toBe(false);
  });

  it("and a ledger that never was restored holds nothing", async () => {
    const hold = holdOf(1);
    await hold.refresh();
    expect(hold.isHeld(ledgerDb)).toBe(false);
  });
});
