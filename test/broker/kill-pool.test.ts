/** The workforce of the kill path on a ledger in trouble: it neither spins nor falls over, and goes on afterwards. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { createChangeHub } from "../../src/broker/change-hub.ts";
import { createKillPool, type KillPool } from "../../src/broker/kill/kill-pool.ts";
import { createLocalWorkforce } from "../../src/broker/kill/local-workforce.ts";
import type { ProviderFacade } from "../../src/broker/provider-facade.ts";
import type { LeaseId } from "../../src/kernel/ids.ts";
import { waitForMeansMillis } from "../../src/kernel/limits.ts";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Workforce } from "../../src/ports/workforce.ts";
import type { LedgerHarness } from "../kit/ledger/harness.ts";
import { broker, createBuilders, ledgerTarget, type Builders } from "../support/builders.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";
import { createSimSealer } from "../support/sim/keys.ts";
import { silentLog, silentMetrics } from "../support/silent.ts";
import { makeSqliteHarness } from "../support/sqlite-harness.ts";

let bench: LedgerHarness;
let build: Builders;
let pool: KillPool;
let pools: KillPool[];
let isInTrouble: boolean;
beforeEach(async () => {
  bench = await makeSqliteHarness();
  build = createBuilders({ clock: bench.clock });
  isInTrouble = true;
  pools = [];
});
afterEach(async () => {
  for (const started of pools) await started.stop(millis(1000));
  await bench.close();
});

const revokesAtOnce: ProviderFacade = {
  current: () => undefined,
  announce: () => {},
  mint: () => Promise.resolve({ kind: "unknown", reason: "not asked for" }),
  revoke: () =>
    Promise.resolve({ verdict: { kind: "dead-unverified" }, targetFault: false, absenceFinalIn: millis(0) }),
  probe: () => Promise.resolve(null),
};

const faults: ProviderFacade = {
  ...revokesAtOnce,
  revoke: () =>
    Promise.resolve({ verdict: { kind: "retry", reason: "timeout" }, targetFault: true, absenceFinalIn: millis(0) }),
};

function start(
  troubles: Partial<Ledger>,
  providers = revokesAtOnce,
  workforce = createLocalWorkforce(),
  claimsAtATime?: number,
): void {
  const entropy = createSeededEntropy(pools.length + 1);
  pool = createKillPool({
    claimsAtATime,
    workforce,
    works: true,
    ledger: { ...bench.ledger, ...troubles },
    providers,
    sealer: createSimSealer(entropy),
    clock: bench.clock,
    entropy,
    changes: createChangeHub(bench),
    log: silentLog,
    metrics: silentMetrics,
  });
  pools.push(pool);
  pool.start();
}

const inTrouble =
  <A, T>(real: (asked: A) => Promise<T>, trouble: () => Promise<T>) =>
  (asked: A): Promise<T> =>
    isInTrouble ? trouble() : real(asked);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A credential of a task that has ended: it can only be found by a sweep. */
async function doom(): Promise<LeaseId> {
  const opened = await bench.ledger.openTask(build.openTask());
  if (opened.kind !== "ok") throw new Error("no task");
  const taskId = opened.value.id;
  const intent = await bench.ledger.recordIntent(build.recordIntent(taskId));
  if (intent.kind !== "ok") throw new Error("no intent");
  await bench.ledger.completeMint(build.completeMint(intent.value.lease));
  await bench.ledger.endTask({ taskId, outcome: "completed", reason: null, cause: broker });
  return intent.value.lease.id;
}

const stateOf = async (id: LeaseId) => (await bench.ledger.readLease(id))?.lease.state.kind;

async function eventuallyRevoked(id: LeaseId): Promise<void> {
  for (let look = 0; look < 100 && (await stateOf(id)) !== "revoked"; look += 1) {
    bench.clock.advance(250);
    await turns(5);
  }
  expect(await stateOf(id)).toBe("revoked");
}

it("rests between sweeps that the store does not take", async () => {
  const id = await doom();
  let sweeps = 0;
  start({
    expandKillOrders: inTrouble(
      (asked) => bench.ledger.expandKillOrders(asked),
      () => {
        sweeps += 1;
        return Promise.resolve({ kind: "unknown", reason: "disk_fault" });
      },
    ),
  });
  await turns(200);
  expect(sweeps).toBe(1);
  bench.clock.advance(250);
  await turns(200);
  expect(sweeps).toBe(2);
  isInTrouble = false;
  await eventuallyRevoked(id);
});

it.each<[string, () => Partial<Ledger>]>([
  ["claiming", () => ({ claimDue: inTrouble((asked) => bench.ledger.claimDue(asked), fails) })],
  ["sweeping", () => ({ expandKillOrders: inTrouble((asked) => bench.ledger.expandKillOrders(asked), fails) })],
  ["recording a verdict", () => ({ recordVerdict: inTrouble((asked) => bench.ledger.recordVerdict(asked), fails) })],
])("goes on after a fault in %s", async (_, troubles) => {
  const id = await doom();
  start(troubles());
  for (let look = 0; look < 10; look += 1) {
    bench.clock.advance(1000);
    await turns(20);
  }
  expect(await stateOf(id)).not.toBe("revoked");
  isInTrouble = false;
  bench.clock.advance(30_000);
  await eventuallyRevoked(id);
});

/** Whoever has the lease now sees the target as it is now. */
it.each<[string, Partial<Ledger>, number]>([
  ["opens the breaker", {}, 1],
  [
    "opens none where another process has the leases by now",
    { recordVerdict: () => Promise.resolve({ kind: "conflict", conflict: { reason: "fence_lost" } }) },
    0,
  ],
])("a run of faults %s", async (_, troubles, changes) => {
  for (let count = 0; count < 6; count += 1) await doom();
  let seen = 0;
  let tried = 0;
  const setTarget: Ledger["setTarget"] = (asked) => {
    seen += 1;
    return bench.ledger.setTarget(asked);
  };
  const revoke: ProviderFacade["revoke"] = (...asked) => {
    tried += 1;
    return faults.revoke(...asked);
  };
  start({ ...troubles, setTarget }, { ...faults, revoke });
  for (let look = 0; look < 4; look += 1) {
    await turns(20);
    bench.clock.advance(2);
  }
  expect([tried, seen]).toEqual([6, changes]);
});

/** A process whose policy is older: it asks nobody. */
function lacking(): { providers: ProviderFacade; asked: () => number } {
  let asked = 0;
  const verdict = { kind: "refused", reason: "provider_missing", fix: "put it back" } as const;
  const revoke: ProviderFacade["revoke"] = async () => {
    asked += 1;
    return { verdict, targetFault: false, absenceFinalIn: millis(0), isMissing: true };
  };
  return { providers: { ...revokesAtOnce, revoke }, asked: () => asked };
}
const shared = (): Workforce => ({ ...createLocalWorkforce(), isShared: true, longestSleep: millis(1_000) });

async function seconds(count: number): Promise<void> {
  for (let second = 0; second < count * 4; second += 1) {
    bench.clock.advance(250);
    await turns(5);
  }
}

it("what a process lacks the provider for is killed by another one, which gets nearly all of it", async () => {
  const ids: LeaseId[] = [];
  for (let count = 0; count < 200; count += 1) ids.push(await doom());
  const { providers, asked } = lacking();
  start({}, providers, shared());
  await turns(50);
  expect(asked(), "its first claim").toBeLessThanOrEqual(64);
  start({}, revokesAtOnce, shared());
  await seconds(10);
  expect(new Set(await Promise.all(ids.map(stateOf)))).toEqual(new Set(["revoked"]));
  expect(asked()).toBeLessThanOrEqual(64 + 2);
});

it("what nobody has the provider for is stuck after five minutes, and until then asked for at a pace", async () => {
  const id = await doom();
  const { providers, asked } = lacking();
  start({}, providers, shared());
  await seconds(waitForMeansMillis / 1000 - 1);
  expect((await bench.ledger.readLease(id))?.lease.state).toMatchObject({
    kind: "revoking",
    lastVerdict: "retry",
    lastReason: "provider_missing",
  });
  expect(asked()).toBeLessThan(20);
  await seconds(waitForMeansMillis / 1000);
  expect(await stateOf(id)).toBe("stuck");
  expect((await bench.ledger.listTargets())[0]?.breaker.kind, "nobody was asked").toBe("closed");
});

it("what each process lacks something else for is stuck as well", async () => {
  const id = await doom();
  let asked = 0;
  const revoke: ProviderFacade["revoke"] = async () => {
    asked += 1;
    const reason = asked % 2 === 0 ? "provider_missing" : "sealed_unknown_key";
    const verdict = { kind: "refused", reason, fix: "put it back" } as const;
    return { verdict, targetFault: false, absenceFinalIn: millis(0), isMissing: true };
  };
  start({}, { ...revokesAtOnce, revoke }, shared());
  await seconds((2 * waitForMeansMillis) / 1000);
  expect(await stateOf(id)).toBe("stuck");
});

it("where this process kills alone, what it lacks the provider for is stuck at once", async () => {
  const id = await doom();
  start({}, lacking().providers);
  await seconds(1);
  expect(await stateOf(id)).toBe("stuck");
});

it("a target's breaker stays open while nobody could ask it", async () => {
  await doom();
  const breaker = { kind: "open", until: bench.clock.now(), reason: "timeout" } as const;
  await bench.ledger.setTarget({ target: ledgerTarget, breaker, paused: null, cause: broker });
  const { providers, asked } = lacking();
  start({}, providers, shared());
  await seconds(2);
  expect(asked()).toBe(1);
  expect((await bench.ledger.listTargets())[0]?.breaker.kind).toBe("open");
});

const fails = (): Promise<never> => Promise.reject(new Error("a row that cannot be read"));

it("takes no more in hand than it may at a time, and the rest the next time", async () => {
  const ids: LeaseId[] = [];
  for (let count = 0; count < 7; count += 1) ids.push(await doom());
  start({}, revokesAtOnce, createLocalWorkforce(), 3);
  const dead = async (): Promise<number> =>
    (await Promise.all(ids.map(stateOf))).filter((state) => state === "revoked").length;
  const counts: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    await pool.settle(millis(1000));
    bench.clock.advance(20_000);
    await turns(20);
    counts.push(await dead());
  }
  expect(counts).toEqual([3, 6, 7]);
});
