/** Verdicts: what each makes of a lease (promises P3 and P4), and that a secret goes with its credential (P7). */
import { expect } from "vitest";
import type { LeaseState } from "../../../src/domain/lease.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { expiryGraceMillis, firstRetryMillis, stuckRetryMillis } from "../../../src/kernel/limits.ts";
import { addMillis, millis, type EpochMillis } from "../../../src/kernel/time.ts";
import { operator } from "../../support/builders.ts";
import { describeRows, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

interface Case {
  readonly name: string;
  readonly verdict: (now: EpochMillis) => Verdict;
  /** Said "alive" by a probe after its mint. */
  readonly provenAlive?: boolean;
  readonly state: (now: EpochMillis) => Partial<LeaseState>;
  readonly isDead: boolean;
}

const inTenSeconds = (now: EpochMillis) => addMillis(now, 10_000);

const cases: readonly Case[] = [
  {
    name: "dead-verified, proven alive before",
    verdict: () => ({ kind: "dead-verified" }),
    provenAlive: true,
    state: (now) => ({ kind: "revoked", verdict: "dead-verified", deadAt: now }),
    isDead: true,
  },
  {
    name: "dead-verified, never proven alive: only the provider's word",
    verdict: () => ({ kind: "dead-verified" }),
    state: (now) => ({ kind: "revoked", verdict: "dead-unverified", deadAt: now }),
    isDead: true,
  },
  {
    name: "dead-unverified",
    verdict: () => ({ kind: "dead-unverified" }),
    provenAlive: true,
    state: (now) => ({ kind: "revoked", verdict: "dead-unverified", deadAt: now }),
    isDead: true,
  },
  {
    name: "already-gone",
    verdict: () => ({ kind: "already-gone" }),
    state: (now) => ({ kind: "revoked", verdict: "already-gone", deadAt: now }),
    isDead: true,
  },
  {
    name: "pending: asked again when it should have settled",
    verdict: (now) => ({ kind: "pending", until: inTenSeconds(now) }),
    state: (now) => ({
      kind: "revoking",
      dueAt: inTenSeconds(now),
      attempts: 0,
      lastVerdict: "pending",
      usableUntil: null,
    }),
    isDead: false,
  },
  {
    name: "expires-only: usable until then, judged again past the grace",
    verdict: (now) => ({ kind: "expires-only", at: inTenSeconds(now) }),
    state: (now) => ({
      kind: "revoking",
      usableUntil: inTenSeconds(now),
      dueAt: addMillis(inTenSeconds(now), expiryGraceMillis),
      lastVerdict: "expires-only",
    }),
    isDead: false,
  },
  {
    name: "retry: backs off with jitter",
    verdict: () => ({ kind: "retry", reason: "timeout" }),
    state: (now) => ({
      kind: "revoking",
      attempts: 1,
      lastVerdict: "retry",
      lastReason: "timeout",
      dueAt: addMillis(now, firstRetryMillis / 2),
    }),
    isDead: false,
  },
  {
    name: "retry: waits as long as the provider asks",
    verdict: () => ({ kind: "retry", reason: "429", after: millis(90_000) }),
    state: (now) => ({ kind: "revoking", attempts: 1, lastReason: "429", dueAt: addMillis(now, 90_000) }),
    isDead: false,
  },
  {
    name: "refused: stuck for a person, and retried slowly",
    verdict: () => ({ kind: "refused", reason: "permission denied", fix: "grant DROP ROLE" }),
    state: (now) => ({
      kind: "stuck",
      attempts: 1,
      lastReason: "permission denied",
      fix: "grant DROP ROLE",
      dueAt: addMillis(now, stuckRetryMillis),
    }),
    isDead: false,
  },
];

const outcomes: readonly Row[] = cases.map(({ name, verdict, provenAlive = false, state, isDead }) => [
  `${name}, over a restart too`,
  async (bench) => {
    const task = await bench.opened();
    const active = await bench.active(task, {}, { sealed: "k1.nonce.kept", provenAlive });
    const ordered = bench.clock.now();
    const claimed = await bench.dying(active);
    expect(claimed.lease.sealed).toBe("k1.nonce.kept");
    bench.clock.advance(250);
    const now = bench.clock.now();
    const lease = await bench.judge(claimed, verdict(now));
    expect(lease.state).toMatchObject({ cause: "requested", killOrderedAt: ordered, ...state(now) });
    expect(lease.sealed).toBe(isDead ? null : "k1.nonce.kept");
    await bench.restart();
    expect((await bench.lease(lease.id)).lease).toEqual(lease);
    expect((await bench.ledger.summarize(task.id)).dead).toBe(isDead ? 1 : 0);
  },
]);

const retryTimes = async (bench: Bench, count: number): Promise<number[]> => {
  const lease = await bench.active(await bench.opened());
  let claimed = await bench.dying(lease);
  const delays: number[] = [];
  for (let attempt = 0; attempt < count; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one attempt after the other is the point
    const { state } = await bench.judge(claimed, { kind: "retry", reason: "timeout" });
    const delay = "dueAt" in state ? state.dueAt - bench.clock.now() : 0;
    delays.push(delay);
    bench.clock.advance(delay);
    // oxlint-disable-next-line no-await-in-loop -- as above
    claimed = { lease, fence: (await bench.claim()).fence };
  }
  return delays;
};

const rest: readonly Row[] = [
  [
    "the audit says what is believed, not what was said",
    async (bench) => {
      const task = await bench.opened();
      const claimed = await bench.dying(await bench.active(task, {}, { provenAlive: false }));
      await bench.judge(claimed, { kind: "dead-verified" });
      const { entries } = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 100 });
      expect(entries.find(({ type }) => type === "lease.revoked")?.data).toMatchObject({ verdict: "dead-unverified" });
    },
  ],
  [
    "retries back off exponentially up to a cap and never give up",
    async (bench) => {
      const delays = await retryTimes(bench, 12);
      expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000, 150_000]);
    },
  ],
  [
    "a repeated verdict counts once",
    async (bench) => {
      const claimed = await bench.dying(await bench.active(await bench.opened()));
      const { lease, fence } = claimed;
      const command = { leaseId: lease.id, fence, outcome: { kind: "retry", reason: "timeout" }, jitter: 0.5 } as const;
      const first = await bench.ledger.recordVerdict(command);
      await bench.opened();
      expect(await bench.ledger.recordVerdict(command)).toEqual(first);
      expect(await bench.state(lease.id)).toMatchObject({ attempts: 1 });
    },
  ],
  [
    "refuses an unknown lease, and a fence that never held it",
    async (bench) => {
      const lease = await bench.active(await bench.opened());
      const verdict = { fence: "nobody", outcome: { kind: "dead-unverified" }, jitter: 0 } as const;
      expect(await bench.ledger.recordVerdict({ leaseId: bench.ids.lease(), ...verdict })).toEqual(
        refused("not_found"),
      );
      expect(await bench.ledger.recordVerdict({ leaseId: lease.id, ...verdict })).toEqual(refused("fence_lost"));
      expect(await bench.state(lease.id)).toMatchObject({ kind: "active" });
    },
  ],
  [
    "natural expiry is the end only where it is full, and only past the grace",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { lease: { nativeExpiry: "full" } });
      bench.clock.advance(lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now());
      const { fence } = await bench.claim();
      const expired = await bench.judge({ lease, fence }, { kind: "native_expiry" });
      expect(expired.state).toMatchObject({ kind: "expired", deadAt: bench.clock.now(), cause: "expiry" });
      expect(expired.sealed).toBeNull();
    },
  ],
  ...(["new-logins-only", "none"] as const).map((nativeExpiry): Row => [
    `natural expiry of "${nativeExpiry}" is never the end`,
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { lease: { nativeExpiry } });
      bench.clock.advance(lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now());
      const { fence } = await bench.claim();
      await expectNoExpiry(bench, lease.id, fence);
    },
  ]),
  [
    "natural expiry is not the end one millisecond before the grace is over",
    async (bench) => {
      const lease = await bench.active(await bench.opened(), { lease: { nativeExpiry: "full" } });
      bench.clock.advance(lease.nativeExpiresAt + expiryGraceMillis - bench.clock.now() - 1);
      const { fence } = await bench.claim();
      await expectNoExpiry(bench, lease.id, fence);
    },
  ],
  [
    "a person's word makes a stuck lease due at once, changes nothing else of it, and is told",
    async (bench) => {
      const claimed = await bench.dying(await bench.active(await bench.opened()));
      const stuck = await bench.judge(claimed, { kind: "refused", reason: "denied", fix: "grant" });
      bench.clock.advance(1000);
      const order = { leaseId: stuck.id, killCause: "requested", delay: millis(0), cause: operator } as const;
      valueOf(await bench.ledger.makeDue(order));
      expect(await bench.state(stuck.id), "without it the slow pace stands").toEqual(stuck.state);
      const hurried = valueOf(await bench.ledger.makeDue({ ...order, endsBackoff: true }));
      expect(hurried.state).toEqual({ ...stuck.state, dueAt: bench.clock.now() });
      const { leases } = await bench.claim();
      expect(leases.map(({ id }) => id)).toEqual([stuck.id]);
      const underWay = await bench.state(stuck.id);
      valueOf(await bench.ledger.makeDue({ ...order, endsBackoff: true }));
      expect(await bench.state(stuck.id), "what a worker has in hand").toEqual(underWay);
      const { entries } = await bench.ledger.listAudit({ taskId: stuck.taskId, after: null, limit: 100 });
      expect(entries.filter(({ type }) => type === "lease.due").map(({ actor }) => actor)).toEqual([
        operator.actor,
        operator.actor,
      ]);
    },
  ],
  [
    "a stuck lease is live, listed and counted, and may still die",
    async (bench) => {
      const task = await bench.opened();
      const claimed = await bench.dying(await bench.active(task));
      const stuck = await bench.judge(claimed, { kind: "refused", reason: "denied", fix: "grant" });
      expect(await bench.ledger.listStuck({ after: null, limit: 10 })).toEqual([stuck]);
      expect(await bench.ledger.summarize(task.id)).toMatchObject({ live: 1, stuck: 1, dead: 0 });
      expect((await bench.ledger.health()).counts).toMatchObject({ liveLeases: 1, stuckLeases: 1 });
      bench.clock.advance(stuckRetryMillis);
      const { fence } = await bench.claim();
      await bench.judge({ lease: stuck, fence }, { kind: "dead-unverified" });
      expect(await bench.ledger.listStuck({ after: null, limit: 10 })).toEqual([]);
      expect((await bench.ledger.health()).counts).toMatchObject({ liveLeases: 0, stuckLeases: 0 });
    },
  ],
];

/** Asking for it is a bug of the caller: the engine may answer or throw, but the lease must not say "expired". */
async function expectNoExpiry(bench: Bench, leaseId: Parameters<Bench["lease"]>[0], fence: string): Promise<void> {
  const outcome = { kind: "native_expiry" } as const;
  const answer = await bench.ledger
    .recordVerdict({ leaseId, fence, outcome, jitter: 0 })
    .catch(() => ({ kind: "thrown" }));
  expect(answer.kind).not.toBe("ok");
  expect(await bench.state(leaseId)).toMatchObject({ kind: "revoking" });
  expect(await bench.ledger.openTask(bench.openTask({ deadlineSeconds: 60 }))).toMatchObject({ kind: "ok" });
}

export function describeVerdicts(make: MakeHarness): void {
  describeRows("verdicts: outcomes", make, outcomes);
  describeRows("verdicts: the rest", make, rest);
}
