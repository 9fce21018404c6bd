/** Deny lists: what they must hold and for how long, the room that they have, and deaths that are found undone. */
import { expect } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { targetName } from "../../../src/domain/names.ts";
import { expiryGraceMillis, tombstoneMillis } from "../../../src/kernel/limits.ts";
import { operator, providerName, ledgerTarget } from "../../support/builders.ts";
import { accepted, describeRows, drain, present, refused, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const denied = async (bench: Bench, target = ledgerTarget) =>
  (await bench.ledger.listDenied({ target, after: null, limit: 200 })).map(({ id }) => id);

const deniable = async (bench: Bench, wish: Parameters<Bench["active"]>[1] = {}): Promise<Lease> =>
  bench.active(await bench.opened({ deadlineSeconds: 30 * 24 * 3600 }), { capacity: 10, ...wish });

const kill = async (bench: Bench, lease: Lease): Promise<Lease> =>
  bench.judge(await bench.dying(lease), { kind: "dead-unverified" });

const reopen = (bench: Bench, lease: Pick<Lease, "id">) =>
  bench.ledger.reopenLease({ leaseId: lease.id, reason: "entry_missing", cause: operator });

const ask = async (bench: Bench, capacity: number | null, wish: Parameters<Bench["recordIntent"]>[1] = {}) => {
  const task = await bench.opened();
  return bench.ledger.recordIntent(bench.recordIntent(task.id, { capacity, demandKillPath: false, ...wish }));
};
const full = refused("limit_reached", { limit: "capacity" });

const listing: readonly Row[] = [
  [
    "a lease is denied from the order of its kill until its native expiry and the grace have passed",
    async (bench) => {
      const lease = await deniable(bench, { worstCaseSeconds: 600 });
      expect(await denied(bench), "alive").toEqual([]);
      const claimed = await bench.dying(lease);
      expect(await denied(bench), "dying").toEqual([lease.id]);
      await bench.judge(claimed, { kind: "dead-unverified" });
      expect(await denied(bench), "revoked").toEqual([lease.id]);
      expect((await bench.ledger.listTargets()).map(({ target }) => target)).toEqual([ledgerTarget]);
      await bench.restart();
      bench.clock.advance(600_000 + expiryGraceMillis - 1);
      expect(await denied(bench), "just before").toEqual([lease.id]);
      bench.clock.advance(1);
      expect(await denied(bench)).toEqual([]);
    },
  ],
  [
    "an intent whose outcome nobody knows is denied as well, and none that certainly never was",
    async (bench) => {
      const [unknown, never] = [
        await bench.intended(await bench.opened(), { capacity: 10 }),
        await bench.intended(await bench.opened(), { capacity: 10 }),
      ];
      await bench.dying(unknown);
      valueOf(await bench.ledger.failMint({ leaseId: never.id, reason: "rejected", cause: operator }));
      expect(await denied(bench)).toEqual([unknown.id]);
    },
  ],
  [
    "what is stuck stays denied, and what has expired does not",
    async (bench) => {
      const stuck = await deniable(bench);
      await bench.judge(await bench.dying(stuck), { kind: "refused", reason: "denied", fix: "grant" });
      const gone = await deniable(bench, { lease: { nativeExpiry: "full" }, worstCaseSeconds: 600 });
      const { fence } = await bench.dying(gone);
      bench.clock.advance(600_000 + expiryGraceMillis);
      await bench.judge({ lease: gone, fence }, { kind: "native_expiry" });
      expect(await denied(bench)).toEqual([stuck.id]);
    },
  ],
  [
    "leases that take no room, and those of another target, are not listed",
    async (bench) => {
      await kill(bench, await bench.active(await bench.opened()));
      const other = await deniable(bench, { lease: { provider: providerName("other") } });
      await kill(bench, other);
      expect(await denied(bench)).toEqual([]);
      expect(await denied(bench, targetName(providerName("other")))).toEqual([other.id]);
      expect(await denied(bench, targetName(providerName("nobody")))).toEqual([]);
    },
  ],
  [
    "pages are by id, and hold nothing twice",
    async (bench) => {
      const leases: Lease[] = [];
      for (let index = 0; index < 7; index += 1) leases.push(await deniable(bench));
      const [, second] = leases;
      for (const lease of leases) if (lease !== second) await kill(bench, lease);
      const pages: (readonly Lease[])[] = [];
      let after: Lease["id"] | null = null;
      do {
        const page: readonly Lease[] = await bench.ledger.listDenied({ target: ledgerTarget, after, limit: 2 });
        pages.push(page);
        after = page.at(-1)?.id ?? null;
      } while (after !== null);
      const expected = leases.filter((lease) => lease !== second).map(({ id }) => id);
      expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 0]);
      expect(pages.flat().map(({ id }) => id)).toEqual(expected);
      expect(present(pages[0]?.[0])).toEqual((await bench.lease(present(expected[0]))).lease);
    },
  ],
];

const room: readonly Row[] = [
  [
    "no more leases live than a target has room for, and a death that must stay denied frees none",
    async (bench) => {
      const lease = await deniable(bench, { capacity: 2, worstCaseSeconds: 600 });
      expect(await ask(bench, 2, { worstCaseSeconds: 7200 })).toMatchObject(accepted);
      expect(await ask(bench, 2)).toMatchObject(full);
      await kill(bench, lease);
      await bench.restart();
      expect(await ask(bench, 2), "dead, and denied").toMatchObject(full);
      bench.clock.advance(600_000 + expiryGraceMillis);
      expect(await ask(bench, 2), "surely ended").toMatchObject(accepted);
      expect(await ask(bench, 2)).toMatchObject(full);
    },
  ],
  [
    "what certainly never was takes no room",
    async (bench) => {
      const first = valueOf(await ask(bench, 1)).lease;
      expect(await ask(bench, 1)).toMatchObject(full);
      valueOf(await bench.ledger.failMint({ leaseId: first.id, reason: "rejected", cause: operator }));
      expect(await ask(bench, 1)).toMatchObject(accepted);
    },
  ],
  [
    "what is dead holds its room no longer because its intent is asked for again",
    async (bench) => {
      const command = bench.recordIntent((await bench.opened()).id, { capacity: 1, worstCaseSeconds: 600 });
      const { lease } = valueOf(await bench.ledger.recordIntent(command));
      const minted = bench.completeMint(lease, { nativeExpiresAt: lease.nativeExpiresAt });
      await kill(bench, valueOf(await bench.ledger.completeMint(minted)).lease);
      // By whoever had no answer: its confirmation comes after the death.
      expect(await bench.ledger.recordIntent(command)).toMatchObject(accepted);
      await bench.restart();
      expect(await ask(bench, 1), "dead, and denied").toMatchObject(full);
      bench.clock.advance(600_000 + expiryGraceMillis);
      expect(await ask(bench, 1), "surely ended").toMatchObject(accepted);
    },
  ],
  [
    "room is a target's own, and what needs none is let through",
    async (bench) => {
      expect(await ask(bench, 1)).toMatchObject(accepted);
      expect(await ask(bench, null)).toMatchObject(accepted);
      expect(await ask(bench, 1, { lease: { provider: providerName("other") } })).toMatchObject(accepted);
      expect(await ask(bench, 1)).toMatchObject(full);
    },
  ],
  [
    "a replacement needs room of its own: what it replaces may have to be denied",
    async (bench) => {
      const task = await bench.opened();
      const old = await bench.active(task, { capacity: 1 });
      const wish = bench.recordIntent(task.id, { capacity: 1, replaces: old.id });
      expect(await bench.ledger.recordIntent(wish)).toMatchObject(full);
      expect((await bench.lease(old.id)).lease.state).toMatchObject({ kind: "active" });
      const roomy = bench.recordIntent(task.id, { capacity: 2, replaces: old.id });
      expect(await bench.ledger.recordIntent(roomy)).toMatchObject(accepted);
      expect(await ask(bench, 2)).toMatchObject(full);
    },
  ],
  [
    "a refusal for want of room takes nothing of other limits",
    async (bench) => {
      const limits = [{ limit: "liveLeases", counter: "template:x", max: 2 }];
      expect(await ask(bench, 1, { limits })).toMatchObject(accepted);
      expect(await ask(bench, 1, { limits })).toMatchObject(full);
      expect(await ask(bench, null, { limits })).toMatchObject(accepted);
      expect(await ask(bench, null, { limits })).toMatchObject(refused("limit_reached", { limit: "liveLeases" }));
    },
  ],
];

const reopening: readonly Row[] = [
  [
    "a death found undone is due at once, ahead of routine expiry, told, and dies anew",
    async (bench) => {
      const dead = await kill(bench, await deniable(bench));
      bench.clock.advance(1000);
      const reopened = valueOf(await reopen(bench, dead));
      const now = bench.clock.now();
      expect(reopened.state).toMatchObject({ kind: "revoking", cause: "undone", killOrderedAt: now, dueAt: now });
      expect(await bench.state(dead.id)).toEqual(reopened.state);
      expect((await bench.ledger.dueWork()).targets).toMatchObject([{ target: ledgerTarget, oldestDueAt: now }]);
      expect((await bench.ledger.health()).counts.liveLeases).toBe(1);
      const told = (await bench.ledger.listAudit({ taskId: dead.taskId, after: null, limit: 50 })).entries;
      expect(told.at(-1)).toMatchObject({
        type: "lease.reopened",
        leaseId: dead.id,
        actor: "operator:ada",
        data: { reason: "entry_missing", verdict: "dead-unverified", dead_at: now - 1000 },
      });
      const { leases, fence } = await bench.claim();
      expect(leases.map(({ id }) => id)).toEqual([dead.id]);
      const again = await bench.judge({ lease: dead, fence }, { kind: "already-gone" });
      expect(again.state).toMatchObject({ kind: "revoked", verdict: "already-gone", cause: "undone" });
      expect((await bench.ledger.health()).counts.liveLeases).toBe(0);
    },
  ],
  [
    "it is live in every count of its task again, and counts against no limit",
    async (bench) => {
      const task = await bench.opened();
      const limits = [bench.taskLimit(task.id, 1)];
      const lease = await bench.active(task, { limits });
      await kill(bench, lease);
      valueOf(await reopen(bench, lease));
      expect(await bench.ledger.summarize(task.id)).toMatchObject({ live: 1, dead: 0 });
      expect(await bench.ledger.recordIntent(bench.recordIntent(task.id, { limits }))).toMatchObject(accepted);
    },
  ],
  [
    "the verdict of the first death is not answered again",
    async (bench) => {
      const claimed = await bench.dying(await deniable(bench));
      await bench.judge(claimed, { kind: "dead-unverified" });
      valueOf(await reopen(bench, claimed.lease));
      const repeat = { leaseId: claimed.lease.id, fence: claimed.fence, jitter: 0.5 };
      const outcome = { kind: "dead-unverified" } as const;
      expect(await bench.ledger.recordVerdict({ ...repeat, outcome })).toMatchObject(refused("fence_lost"));
    },
  ],
  [
    "on a dying lease it changes nothing, and it is refused on any other state and for an unknown id",
    async (bench) => {
      const alive = await deniable(bench);
      expect(await reopen(bench, alive)).toMatchObject(refused("not_revoked"));
      const { lease } = await bench.dying(alive);
      expect(valueOf(await reopen(bench, lease)).state).toEqual(lease.state);
      const never = await bench.intended(await bench.opened());
      expect(await reopen(bench, never)).toMatchObject(refused("not_revoked"));
      valueOf(await bench.ledger.failMint({ leaseId: never.id, reason: "rejected", cause: operator }));
      expect(await reopen(bench, never)).toMatchObject(refused("not_revoked"));
      expect(await reopen(bench, { id: bench.ids.lease() })).toMatchObject(refused("not_found"));
    },
  ],
  [
    "it keeps its row while it lives, and stays denied until it has surely ended",
    async (bench) => {
      const lease = await deniable(bench, { worstCaseSeconds: 10 * 24 * 3600 });
      await kill(bench, lease);
      bench.clock.advance(tombstoneMillis - 1000);
      valueOf(await reopen(bench, lease));
      bench.clock.advance(2000);
      await drain(async () => valueOf(await bench.ledger.purge(100)).more);
      expect((await bench.lease(lease.id)).lease.state.kind).toBe("revoking");
      expect(await denied(bench)).toEqual([lease.id]);
    },
  ],
];

export function describeDenials(make: MakeHarness): void {
  describeRows("deny lists", make, listing);
  describeRows("room for denials", make, room);
  describeRows("deaths undone", make, reopening);
}
