/** Claims: when a lease falls due, in which order it is handed out, and whose word about it counts. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { maxClaimRows, mintMarginMillis } from "../../../src/kernel/limits.ts";
import { millis } from "../../../src/kernel/time.ts";
import { operator, providerName } from "../../support/builders.ts";
import { describeRows, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id);

const due = async (bench: Bench, lease: Lease, delayMillis = 0) =>
  valueOf(
    await bench.ledger.makeDue({
      leaseId: lease.id,
      killCause: "requested",
      delay: millis(delayMillis),
      cause: operator,
    }),
  );

const instants: readonly Row[] = [
  [
    "an intent is due a margin after its abort, with its outcome unknown",
    async (bench) => {
      const lease = await bench.intended(await bench.opened(), { mintTimeoutSeconds: 10 });
      bench.clock.advance(10_000 + mintMarginMillis - 1);
      expect((await bench.claim()).leases).toEqual([]);
      bench.clock.advance(1);
      const dueAt = bench.clock.now();
      bench.clock.advance(300);
      const { leases } = await bench.claim({ claim: millis(30_000) });
      expect(leases).toMatchObject([
        {
          id: lease.id,
          state: {
            kind: "revoking",
            cause: "outcome_unknown",
            outcomeUnknown: true,
            killOrderedAt: dueAt,
            attempts: 0,
            dueAt: bench.clock.now() + 30_000,
          },
        },
      ]);
    },
  ],
  [
    "an active lease is due at its bound, as routine expiry",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { ttlSeconds: 60 });
      bench.clock.advance(59_999);
      expect((await bench.claim()).leases).toEqual([]);
      bench.clock.advance(700);
      const { leases } = await bench.claim();
      const state = { kind: "revoking", cause: "expiry", outcomeUnknown: false, killOrderedAt: lease.expiresAt };
      expect(leases).toMatchObject([{ id: lease.id, state }]);
    },
  ],
  [
    "a delay never postpones what is due sooner",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { ttlSeconds: 60 });
      expect((await due(bench, lease, 3_600_000)).state).toMatchObject({ dueAt: lease.expiresAt });
      expect((await due(bench, lease, 1000)).state).toMatchObject({ dueAt: bench.clock.now() + 1000 });
      expect((await due(bench, lease, 2000)).state).toMatchObject({ dueAt: bench.clock.now() + 1000 });
    },
  ],
  [
    "making due refuses an unknown lease and leaves a dead one as it is",
    async (bench) => {
      const command = { killCause: "requested", delay: millis(0), cause: operator } as const;
      expect(await bench.ledger.makeDue({ leaseId: bench.ids.lease(), ...command })).toEqual(refused("not_found"));
      const lease = await bench.active(await bench.opened());
      const dead = await bench.judge(await bench.dying(lease), { kind: "dead-unverified" });
      expect(await due(bench, lease)).toEqual(dead);
    },
  ],
];

const order: readonly Row[] = [
  [
    "hands out kills before routine expiry, and the earliest first",
    async (bench) => {
      const task = await bench.opened();
      const lateExpiry = await bench.active(task, { ttlSeconds: 20 });
      const earlyExpiry = await bench.active(task, { ttlSeconds: 10 });
      const unknown = await bench.intended(task, { mintTimeoutSeconds: 15 });
      const lateKill = await bench.active(task);
      const earlyKill = await bench.active(task);
      await due(bench, lateKill, 25_000);
      await due(bench, earlyKill, 12_000);
      bench.clock.advance(30_000);
      const { leases } = await bench.claim();
      expect(idsOf(leases)).toEqual(idsOf([earlyKill, unknown, lateKill, earlyExpiry, lateExpiry]));
    },
  ],
  [
    "hands out no more than asked, and never more than the bound",
    async (bench) => {
      const task = await bench.opened();
      const leases = await Promise.all(Array.from({ length: maxClaimRows + 3 }, () => bench.active(task)));
      await Promise.all(leases.map((lease) => due(bench, lease)));
      expect((await bench.claim({ limit: 2 })).leases).toHaveLength(2);
      expect((await bench.claim({ limit: 1000 })).leases).toHaveLength(maxClaimRows);
      expect((await bench.claim({ limit: 1000 })).leases).toHaveLength(1);
      expect((await bench.claim()).leases).toEqual([]);
    },
  ],
  [
    "keeps targets apart",
    async (bench) => {
      const task = await bench.opened();
      const here = await bench.active(task);
      const there = await bench.active(task, { lease: { provider: providerName("other") } });
      await Promise.all([due(bench, here), due(bench, there)]);
      expect(idsOf((await bench.claim({ target: there.target })).leases)).toEqual([there.id]);
      expect(idsOf((await bench.claim()).leases)).toEqual([here.id]);
    },
  ],
];

const fences: readonly Row[] = [
  [
    "a repeat of a claim answers what it holds, and takes nothing new",
    async (bench) => {
      const task = await bench.opened();
      const first = await bench.active(task);
      await due(bench, first);
      const claim = await bench.claim();
      await due(bench, await bench.active(task));
      expect((await bench.claim({ fence: claim.fence })).leases).toEqual(claim.leases);
    },
  ],
  [
    "a claimed lease is handed out again only when its claim has lapsed, and the old fence is lost",
    async (bench) => {
      const lease = await bench.active(await bench.opened());
      await due(bench, lease);
      const old = await bench.claim({ claim: millis(30_000) });
      bench.clock.advance(29_999);
      expect((await bench.claim()).leases).toEqual([]);
      bench.clock.advance(1);
      const young = await bench.claim();
      expect(idsOf(young.leases)).toEqual([lease.id]);
      const outcome = { kind: "dead-unverified" } as const;
      const late = await bench.ledger.recordVerdict({ leaseId: lease.id, fence: old.fence, outcome, jitter: 0 });
      expect(late).toEqual(refused("fence_lost"));
      expect(await bench.state(lease.id)).toMatchObject({ kind: "revoking" });
      expect((await bench.judge({ lease, fence: young.fence }, outcome)).state.kind).toBe("revoked");
    },
  ],
  [
    "a late verdict counts while nobody else has taken the lease, over a restart too",
    async (bench) => {
      const lease = await bench.active(await bench.opened());
      await due(bench, lease);
      const { fence } = await bench.claim({ claim: millis(1000) });
      bench.clock.advance(5000);
      await bench.restart();
      expect((await bench.judge({ lease, fence }, { kind: "dead-unverified" })).state.kind).toBe("revoked");
    },
  ],
  [
    "a released claim is due at once, for another fence only",
    async (bench) => {
      const task = await bench.opened();
      const leases = await Promise.all([bench.active(task), bench.active(task)]);
      await Promise.all(leases.map((lease) => due(bench, lease)));
      const { fence } = await bench.claim();
      const judged = valueOf(await bench.ledger.releaseClaim({ fence }));
      expect(judged).toEqual({ released: 2 });
      expect(valueOf(await bench.ledger.releaseClaim({ fence }))).toEqual({ released: 0 });
      const [first] = leases;
      const verdict = { fence, outcome: { kind: "already-gone" }, jitter: 0 } as const;
      expect(await bench.ledger.recordVerdict({ leaseId: first.id, ...verdict })).toEqual(refused("fence_lost"));
      expect((await bench.claim()).leases).toHaveLength(2);
    },
  ],
  [
    "a release keeps what was judged already",
    async (bench) => {
      const task = await bench.opened();
      const [done, held] = await Promise.all([bench.active(task), bench.active(task)]);
      await Promise.all([due(bench, done), due(bench, held)]);
      const { fence } = await bench.claim();
      await bench.judge({ lease: done, fence }, { kind: "retry", reason: "timeout", after: millis(60_000) });
      expect(valueOf(await bench.ledger.releaseClaim({ fence }))).toEqual({ released: 1 });
      expect(idsOf((await bench.claim()).leases)).toEqual([held.id]);
    },
  ],
  [
    "a kill that is ordered during a claim goes ahead of expiry, and the claim's verdict still counts",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task, { ttlSeconds: 60 });
      bench.clock.advance(60_000);
      const { fence } = await bench.claim({ claim: millis(30_000) });
      const claimEnd = bench.clock.now() + 30_000;
      bench.clock.advance(1000);
      await bench.ended(task);
      const killOrderedAt = bench.clock.now();
      await bench.sweep();
      expect((await bench.claim()).leases).toEqual([]);
      expect(await bench.state(lease.id)).toMatchObject({ cause: "task_ended", killOrderedAt, dueAt: claimEnd });
      const dead = await bench.judge({ lease, fence }, { kind: "dead-unverified" });
      expect(dead.state).toMatchObject({ kind: "revoked", cause: "task_ended", killOrderedAt });
    },
  ],
];

export function describeClaims(make: MakeHarness): void {
  describeRows("claims: due instants", make, instants);
  describeRows("claims: order", make, order);
  describeRows("claims: fences", make, fences);
}
