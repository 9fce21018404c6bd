/** Targets: a broken or paused one consumes no attempts and loses no lease. */
import { expect } from "vitest";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Breaker } from "../../../src/ports/ledger-commands.ts";
import { broker, ledgerDb, ledgerTarget, operator, providerName } from "../../support/builders.ts";
import { describeRows, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const set = async (bench: Bench, breaker: Breaker | null, paused: boolean | null = null) =>
  valueOf(await bench.ledger.setTarget({ target: ledgerTarget, breaker, paused, cause: broker }));

const open = (bench: Bench, forMillis: number): Breaker => ({
  kind: "open",
  until: addMillis(bench.clock.now(), forMillis),
  reason: "timeouts",
});
const closed: Breaker = { kind: "closed" };

async function dueLease(bench: Bench): Promise<Lease> {
  const lease = await bench.active(await bench.opened());
  const order = { killCause: "requested", delay: millis(0), cause: operator } as const;
  return valueOf(await bench.ledger.makeDue({ leaseId: lease.id, ...order }));
}

const rows: readonly Row[] = [
  [
    "an open breaker hides its target and gives out no claims, over a restart too",
    async (bench) => {
      await dueLease(bench);
      const breaker = open(bench, 5000);
      const dueAt = bench.clock.now();
      const idle = { claimed: 0, stuck: 0 };
      const names = { target: ledgerTarget, provider: ledgerDb };
      const shown = { ...names, breaker, paused: false, due: 1, oldestDueAt: dueAt, ...idle };
      expect(await set(bench, breaker)).toEqual(shown);
      await bench.restart();
      expect(await bench.ledger.listTargets()).toEqual([shown]);
      expect((await bench.claim()).leases).toEqual([]);
      expect(await bench.ledger.dueWork()).toMatchObject({ targets: [], nextAt: dueAt + 5000 });
    },
  ],
  [
    "once its pause is over, an open breaker lets a worker try",
    async (bench) => {
      const lease = await dueLease(bench);
      const breaker = open(bench, 5000);
      await set(bench, breaker);
      bench.clock.advance(5000);
      expect((await bench.ledger.dueWork()).targets).toEqual([
        { target: ledgerTarget, oldestDueAt: addMillis(bench.clock.now(), -5000), breaker },
      ]);
      expect((await bench.claim()).leases.map((claimed) => claimed.id)).toEqual([lease.id]);
    },
  ],
  [
    "closing a breaker gives its retrying leases a fresh start, in a sweep",
    async (bench) => {
      const lease = await dueLease(bench);
      await bench.judge(
        { lease, fence: (await bench.claim()).fence },
        { kind: "retry", reason: "timeout", after: millis(600_000) },
      );
      await set(bench, open(bench, 5000));
      bench.clock.advance(1000);
      await set(bench, closed);
      await bench.sweep();
      expect((await bench.ledger.dueWork()).sweep).toBe(false);
      expect(await bench.state(lease.id)).toMatchObject({ attempts: 0, dueAt: bench.clock.now() });
    },
  ],
  [
    "closing leaves alone what is stuck, settling, claimed, or another target's",
    async (bench) => {
      const elsewhere = await bench.active(await bench.opened(), { lease: { provider: providerName("other") } });
      const other = await bench.judge(await bench.dying(elsewhere), {
        kind: "retry",
        reason: "timeout",
        after: millis(60_000),
      });
      const [settling, stuck, retrying, claimed] = [
        await dueLease(bench),
        await dueLease(bench),
        await dueLease(bench),
        await dueLease(bench),
      ];
      const { fence } = await bench.claim({ claim: millis(90_000) });
      const until = addMillis(bench.clock.now(), 60_000);
      await bench.judge({ lease: settling, fence }, { kind: "pending", until });
      await bench.judge({ lease: stuck, fence }, { kind: "refused", reason: "denied", fix: "grant" });
      await bench.judge({ lease: retrying, fence }, { kind: "retry", reason: "timeout", after: millis(60_000) });
      await set(bench, open(bench, 5000));
      await set(bench, closed);
      await bench.sweep();
      const { leases } = await bench.claim();
      expect(leases.map((lease) => lease.id)).toEqual([retrying.id]);
      expect(await bench.state(claimed.id)).toMatchObject({ kind: "revoking", attempts: 0 });
      expect(await bench.state(stuck.id)).toMatchObject({ kind: "stuck", attempts: 1 });
      expect(await bench.state(other.id)).toEqual(other.state);
    },
  ],
  [
    "closing what was closed resets nothing",
    async (bench) => {
      const lease = await dueLease(bench);
      const retried = await bench.judge(
        { lease, fence: (await bench.claim()).fence },
        { kind: "retry", reason: "timeout", after: millis(60_000) },
      );
      await set(bench, closed);
      await bench.sweep();
      expect(await bench.state(lease.id)).toEqual(retried.state);
    },
  ],
  [
    "a person's word resets the backoff of a target whose breaker is closed too, and of no other one",
    async (bench) => {
      const elsewhere = await bench.active(await bench.opened(), { lease: { provider: providerName("other") } });
      const retry = { kind: "retry", reason: "timeout", after: millis(60_000) } as const;
      const other = await bench.judge(await bench.dying(elsewhere), retry);
      const lease = await dueLease(bench);
      await bench.judge({ lease, fence: (await bench.claim()).fence }, retry);
      const command = { target: ledgerTarget, breaker: closed, paused: null, resetBackoff: true, cause: operator };
      valueOf(await bench.ledger.setTarget(command));
      await bench.sweep();
      expect(await bench.state(lease.id)).toMatchObject({ attempts: 0, dueAt: bench.clock.now() });
      expect(await bench.state(other.id)).toEqual(other.state);
    },
  ],
  [
    "counts what is claimed and what is stuck, each at its own target",
    async (bench) => {
      const elsewhere = await bench.active(await bench.opened(), { lease: { provider: providerName("other") } });
      await bench.judge(await bench.dying(elsewhere), { kind: "refused", reason: "denied", fix: "grant" });
      await dueLease(bench);
      await dueLease(bench);
      await bench.claim({ limit: 1 });
      const counts = async () =>
        (await bench.ledger.listTargets()).map(({ target, due, claimed, stuck }) => [target, due, claimed, stuck]);
      expect(await counts()).toEqual([
        [ledgerTarget, 1, 1, 0],
        ["other", 0, 0, 1],
      ]);
      bench.clock.advance(30_000);
      expect((await counts())[0], "a claim that lapsed is none").toEqual([ledgerTarget, 2, 0, 0]);
    },
  ],
  [
    "a paused target gives out no claims until it is resumed, and keeps its backoff",
    async (bench) => {
      const lease = await dueLease(bench);
      const retried = await bench.judge(
        { lease, fence: (await bench.claim()).fence },
        { kind: "retry", reason: "timeout", after: millis(60_000) },
      );
      await set(bench, null, true);
      bench.clock.advance(60_000);
      expect((await bench.claim()).leases).toEqual([]);
      expect((await bench.ledger.dueWork()).targets).toEqual([]);
      await set(bench, null, false);
      await bench.sweep();
      expect(await bench.state(lease.id)).toEqual(retried.state);
      expect((await bench.claim()).leases).toHaveLength(1);
    },
  ],
  [
    "breaker and pause are set apart: null leaves the other as it is",
    async (bench) => {
      await set(bench, open(bench, 5000));
      expect(await set(bench, null, true)).toMatchObject({ breaker: { kind: "open" }, paused: true });
      expect(await set(bench, closed)).toMatchObject({ breaker: { kind: "closed" }, paused: true });
    },
  ],
];

export function describeTargets(make: MakeHarness): void {
  describeRows("targets", make, rows);
}
