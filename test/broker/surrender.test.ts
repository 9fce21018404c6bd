/** What a store did not take is told again until it does; and a mint that only this process knows is stored first. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { createInFlight, type InFlight } from "../../src/broker/in-flight.ts";
import { surrender, surrenderMint } from "../../src/broker/leases/surrender.ts";
import type { Lease } from "../../src/domain/lease.ts";
import { mintMarginMillis } from "../../src/kernel/limits.ts";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { LedgerHarness } from "../kit/ledger/harness.ts";
import { makeMemoryHarness } from "../kit/ledger/memory-harness.ts";
import { broker, createBuilders, ledgerTarget, type Builders } from "../support/builders.ts";
import { silentLog } from "../support/silent.ts";

let bench: LedgerHarness;
let builders: Builders;
let isAway: boolean;
let inFlight: InFlight;
beforeEach(async () => {
  bench = await makeMemoryHarness();
  builders = createBuilders(bench);
  isAway = false;
  inFlight = createInFlight();
});
afterEach(() => bench.close());

const unknown = { kind: "unknown", reason: "ECONNREFUSED" } as const;

/** As a store that other processes still reach: what this one asks meanwhile gets nowhere, its health included. */
function parts() {
  const { ledger: real, clock } = bench;
  const ledger: Ledger = {
    ...real,
    completeMint: async (command) => (isAway ? unknown : real.completeMint(command)),
    makeDue: async (command) => (isAway ? unknown : real.makeDue(command)),
    health: async () => (isAway ? Promise.reject(new Error("ECONNREFUSED")) : real.health()),
  };
  return { ledger, clock, log: silentLog, inFlight };
}

async function intended(): Promise<Lease> {
  const task = builders.openTask();
  await bench.ledger.openTask(task);
  const recorded = await bench.ledger.recordIntent(builders.recordIntent(task.task.id));
  if (recorded.kind !== "ok") throw new Error(recorded.kind);
  return recorded.value.lease;
}

const stored = async ({ id }: Lease): Promise<Lease | undefined> => (await bench.ledger.readLease(id))?.lease;

async function passes(span: number): Promise<void> {
  bench.clock.advance(millis(span));
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

it("a completion that the store did not take is stored when it is back, as one to kill", async () => {
  const lease = await intended();
  isAway = true;
  await surrenderMint(parts(), builders.completeMint(lease, { handle: { name: "real" }, sealed: "k1.nonce.kept" }));
  await passes(1_000);
  await passes(2_000);
  expect((await stored(lease))?.state.kind).toBe("intended");
  isAway = false;
  await passes(5_000);
  expect(await stored(lease)).toMatchObject({
    handle: { name: "real" },
    sealed: "k1.nonce.kept",
    state: { kind: "revoking", cause: "undelivered" },
  });
});

it("a completion that got through after all is made due", async () => {
  const lease = await intended();
  const completion = builders.completeMint(lease);
  await bench.ledger.completeMint(completion);
  expect((await stored(lease))?.state.kind).toBe("active");
  await surrenderMint(parts(), completion);
  expect((await stored(lease))?.state).toMatchObject({ kind: "revoking", cause: "undelivered" });
});

it("an order is repeated although the store's health cannot be read", async () => {
  const lease = await intended();
  await bench.ledger.completeMint(builders.completeMint(lease));
  isAway = true;
  await surrender(parts(), { leaseId: lease.id, killCause: "undelivered", delay: millis(0), cause: broker });
  isAway = false;
  await passes(1_000);
  expect((await stored(lease))?.state.kind).toBe("revoking");
});

it("a stop waits for an order that is not stored yet", async () => {
  const lease = await intended();
  isAway = true;
  await surrenderMint(parts(), builders.completeMint(lease));
  let isSettled = false;
  void inFlight.settled().then(() => (isSettled = true));
  await passes(10_000);
  expect([inFlight.count(), isSettled]).toEqual([1, false]);
  isAway = false;
  await passes(5_000);
  expect([(await stored(lease))?.state.kind, isSettled]).toEqual(["revoking", true]);
});

it("a process that ends leaves nothing behind, and whoever lives kills by what the intent holds when its mint must be over", async () => {
  const lease = await intended();
  isAway = true;
  await surrenderMint(parts(), builders.completeMint(lease, { handle: { name: "lost" } }));
  inFlight.giveUp();
  await passes(0);
  isAway = false;
  expect(inFlight.count()).toBe(0);
  await passes(lease.mintAbortAt + mintMarginMillis - bench.clock.now() - 1);
  expect((await bench.ledger.dueWork()).targets).toEqual([]);
  await passes(1);
  expect((await bench.ledger.dueWork()).targets).toMatchObject([{ target: ledgerTarget }]);
  const claim = { target: ledgerTarget, limit: 1, claim: millis(30_000), fence: "other-1" };
  expect(await bench.ledger.claimDue(claim)).toMatchObject({
    value: [{ id: lease.id, handle: lease.handle, state: { kind: "revoking", cause: "outcome_unknown" } }],
  });
});
