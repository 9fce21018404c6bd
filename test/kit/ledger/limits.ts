/** Limits: reserved with the intent, all or none, and given back only when the credential is dead. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import { expiryGraceMillis, replacedGraceMillis } from "../../../src/kernel/limits.ts";
import { addMillis, seconds } from "../../../src/kernel/time.ts";
import { broker } from "../../support/builders.ts";
import { accepted, describeRows, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const liveOne: LimitReservation = { limit: "liveLeases", counter: "template:ledger-read", max: 1 };
const agentTwo: LimitReservation = { limit: "liveLeasesPerAgent", counter: "agent:invoice-bot", max: 2 };
const twoAMinute: LimitReservation = {
  limit: "mintsPerMinute",
  counter: "template:ledger-read",
  max: 2,
  perSeconds: seconds(60),
};

const ask = async (bench: Bench, ...limits: readonly LimitReservation[]) => {
  const task = await bench.opened();
  return bench.ledger.recordIntent(bench.recordIntent(task.id, { limits }));
};

/** How a lease that holds the only place may go on, and whether that gives the place back. */
const fates: readonly (readonly [
  name: string,
  free: boolean,
  fate: (bench: Bench, lease: Lease) => Promise<unknown>,
])[] = [
  ["intended", false, async () => undefined],
  ["active", false, (bench, lease) => bench.ledger.completeMint(bench.completeMint(lease))],
  ["mint failed", true, (bench, lease) => bench.ledger.failMint({ leaseId: lease.id, reason: "quota", cause: broker })],
  ["revoking", false, (bench, lease) => bench.dying(lease)],
  [
    "retried",
    false,
    async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "retry", reason: "timeout" }),
  ],
  [
    "stuck",
    false,
    async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "refused", reason: "denied", fix: "grant" }),
  ],
  ["revoked", true, async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "dead-unverified" })],
  ["already gone", true, async (bench, lease) => bench.judge(await bench.dying(lease), { kind: "already-gone" })],
  [
    "expired",
    true,
    async (bench, lease) => {
      bench.clock.advance(lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now());
      const { leases, fence } = await bench.claim();
      expect(leases.map((claimed) => claimed.id)).toEqual([lease.id]);
      await bench.judge({ lease, fence }, { kind: "native_expiry" });
    },
  ],
  [
    "behind an ended task",
    false,
    (bench, lease) => bench.ledger.endTask({ taskId: lease.taskId, outcome: "completed", reason: null, cause: broker }),
  ],
];

const places: readonly Row[] = fates.map(([name, free, fate]) => [
  `a lease that is ${name} ${free ? "gives its place back" : "keeps its place"}, over a restart too`,
  async (bench) => {
    const task = await bench.opened();
    const lease = await bench.intended(task, { limits: [liveOne], lease: { nativeExpiry: "full" } });
    await fate(bench, lease);
    await bench.restart();
    const expected = free ? accepted : refused("limit_reached", { limit: "liveLeases" });
    expect(await ask(bench, liveOne)).toMatchObject(expected);
  },
]);

const reserving: readonly Row[] = [
  [
    "takes all or none, and names the one that is full",
    async (bench) => {
      valueOf(await ask(bench, liveOne));
      expect(await ask(bench, agentTwo, twoAMinute, liveOne)).toEqual(
        refused("limit_reached", { limit: "liveLeases" }),
      );
      expect(await ask(bench, agentTwo, twoAMinute)).toMatchObject(accepted);
      expect(await ask(bench, agentTwo, twoAMinute)).toMatchObject(accepted);
      expect(await ask(bench, agentTwo)).toEqual(refused("limit_reached", { limit: "liveLeasesPerAgent" }));
    },
  ],
  [
    "a counter named twice is taken once, and the lower bound holds",
    async (bench) => {
      const strict = { ...agentTwo, limit: "guardrail", max: 1 };
      const slow = { ...twoAMinute, limit: "guardrailRate" };
      expect(await ask(bench, agentTwo, strict, twoAMinute, slow)).toMatchObject(accepted);
      expect(await ask(bench, agentTwo, strict)).toEqual(refused("limit_reached", { limit: "guardrail" }));
      expect(await ask(bench, agentTwo, twoAMinute)).toMatchObject(accepted);
      expect(await ask(bench, agentTwo)).toEqual(refused("limit_reached", { limit: "liveLeasesPerAgent" }));
    },
  ],
  [
    "a replacement is not counted twice; without naming what it replaces it is",
    async (bench) => {
      const task = await bench.opened();
      const limits = [bench.taskLimit(task.id, 1)];
      const old = await bench.active(task, { limits });
      const more = bench.recordIntent(task.id, { limits });
      expect(await bench.ledger.recordIntent(more)).toEqual(refused("limit_reached", { limit: "liveLeasesPerTask" }));
      const next = await bench.active(task, { limits, replaces: old.id });
      expect(await bench.ledger.recordIntent(more)).toMatchObject(refused("limit_reached"));
      await bench.judge(await bench.dying(old), { kind: "dead-unverified" });
      expect(await bench.ledger.recordIntent(more)).toMatchObject(refused("limit_reached"));
      await bench.judge(await bench.dying(next), { kind: "dead-unverified" });
      expect(await bench.ledger.recordIntent(more)).toMatchObject(accepted);
    },
  ],
  [
    "a chain of replacements hands on no place before what was replaced is dead",
    async (bench) => {
      const task = await bench.opened();
      const limits = [bench.taskLimit(task.id, 1)];
      const full = refused("limit_reached", { limit: "liveLeasesPerTask" });
      const first = await bench.active(task, { limits });
      const second = await bench.active(task, { limits, replaces: first.id });
      const third = bench.recordIntent(task.id, { limits, replaces: second.id });
      expect(await bench.ledger.recordIntent(third)).toEqual(full);
      expect(await bench.state(second.id), "refused: nothing is replaced").toMatchObject({ kind: "active" });
      await bench.restart();
      bench.clock.advance(replacedGraceMillis);
      const { leases, fence } = await bench.claim();
      expect(leases.map(({ id }) => id)).toEqual([first.id]);
      await bench.judge({ lease: first, fence }, { kind: "retry", reason: "timeout" });
      expect(await bench.ledger.recordIntent(third), "due is not dead").toEqual(full);
      bench.clock.advance(5000);
      await bench.judge(await bench.dying(first), { kind: "dead-unverified" });
      expect(await bench.ledger.recordIntent(third)).toMatchObject(accepted);
    },
  ],
  [
    "a replacement that needs a place of its own leaves the old lease its place",
    async (bench) => {
      const task = await bench.opened();
      const limits = [bench.taskLimit(task.id, 2)];
      const more = bench.recordIntent(task.id, { limits });
      const first = await bench.active(task, { limits });
      const second = await bench.active(task, { limits, replaces: first.id });
      const third = await bench.active(task, { limits, replaces: second.id });
      expect(await bench.ledger.recordIntent(more)).toMatchObject(refused("limit_reached"));
      // Its predecessor has a place of its own, so this one hands its place on.
      const fourth = await bench.active(task, { limits, replaces: third.id });
      const fifth = bench.recordIntent(task.id, { limits, replaces: fourth.id });
      expect(await bench.ledger.recordIntent(fifth)).toMatchObject(refused("limit_reached"));
      await bench.judge(await bench.dying(second), { kind: "dead-unverified" });
      expect(await bench.ledger.recordIntent(fifth)).toMatchObject(accepted);
    },
  ],
];

const rates: readonly Row[] = [
  [
    "a full window refuses until the next one starts, over a restart too",
    async (bench) => {
      valueOf(await ask(bench, twoAMinute));
      bench.clock.advance(30_000);
      valueOf(await ask(bench, twoAMinute));
      await bench.restart();
      bench.clock.advance(29_999);
      expect(await ask(bench, twoAMinute)).toEqual(refused("limit_reached", { limit: "mintsPerMinute" }));
      bench.clock.advance(1);
      expect(await ask(bench, twoAMinute)).toMatchObject(accepted);
    },
  ],
  [
    "windows start at whole multiples of their length",
    async (bench) => {
      bench.clock.advance(59_000);
      valueOf(await ask(bench, twoAMinute));
      valueOf(await ask(bench, twoAMinute));
      bench.clock.advance(1000);
      expect(await ask(bench, twoAMinute)).toMatchObject(accepted);
    },
  ],
  [
    "a death gives no rate back, and a refused request takes none",
    async (bench) => {
      const first = valueOf(await ask(bench, twoAMinute));
      valueOf(await bench.ledger.failMint({ leaseId: first.lease.id, reason: "quota", cause: broker }));
      expect(await ask(bench, twoAMinute, { ...liveOne, max: 0 })).toMatchObject(refused("limit_reached"));
      valueOf(await ask(bench, twoAMinute));
      expect(await ask(bench, twoAMinute)).toMatchObject(refused("limit_reached"));
    },
  ],
  [
    "a live limit and a rate may share a counter's name",
    async (bench) => {
      valueOf(await ask(bench, twoAMinute, { ...liveOne, max: 3 }));
      valueOf(await ask(bench, twoAMinute, { ...liveOne, max: 3 }));
      bench.clock.advance(addMillis(bench.clock.now(), 60_000) - bench.clock.now());
      valueOf(await ask(bench, twoAMinute, { ...liveOne, max: 3 }));
      expect(await ask(bench, twoAMinute, { ...liveOne, max: 3 })).toEqual(
        refused("limit_reached", { limit: "liveLeases" }),
      );
    },
  ],
];

export function describeLimits(make: MakeHarness): void {
  describeRows("limits: who keeps a place", make, places);
  describeRows("limits: reserving", make, reserving);
  describeRows("limits: rates", make, rates);
}
