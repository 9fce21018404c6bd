/** Reading: lists come in pages by key, summaries count the whole subtree, and purging takes only what is past its time. */
import { expect } from "vitest";
import type { LeaseId } from "../../../src/kernel/ids.ts";
import { maxPageSize, tombstoneMillis } from "../../../src/kernel/limits.ts";
import { providerName } from "../../support/builders.ts";
import { describeRows, drain, valueOf, type Bench, type Row } from "./bench.ts";
import type { MakeHarness } from "./harness.ts";

const idsOf = (leases: readonly { id: LeaseId }[]) => leases.map((lease) => lease.id);

const lists: readonly Row[] = [
  [
    "leases of a subtree come by id, each on one page only",
    async (bench) => {
      const root = await bench.opened();
      const child = await bench.opened({ parentId: root.id });
      await bench.active(await bench.opened());
      const own = [
        await bench.intended(root),
        await bench.intended(child),
        await bench.intended(root),
        await bench.intended(child),
      ];
      const expected = idsOf(own).toSorted();
      const first = await bench.ledger.listLeases({ taskId: root.id, after: null, limit: 3 });
      const second = await bench.ledger.listLeases({ taskId: root.id, after: first.at(-1)?.id ?? null, limit: 3 });
      expect([...idsOf(first), ...idsOf(second)]).toEqual(expected);
      expect(first).toHaveLength(3);
      expect(await bench.ledger.listLeases({ taskId: root.id, after: second.at(-1)?.id ?? null, limit: 3 })).toEqual(
        [],
      );
      expect(await bench.ledger.listLeases({ taskId: child.id, after: null, limit: 10 })).toHaveLength(2);
      expect(await bench.ledger.listLeases({ taskId: bench.ids.task(), after: null, limit: 10 })).toEqual([]);
    },
  ],
  [
    "leases of many tasks come by id, each on one page only",
    async (bench) => {
      const root = await bench.opened();
      const tasks = await Promise.all(Array.from({ length: 100 }, () => bench.opened({ parentId: root.id })));
      await bench.active(await bench.opened());
      const leases = await Promise.all([root, ...tasks, ...tasks].map((task) => bench.intended(task)));
      const pages: LeaseId[][] = [];
      for (let after: LeaseId | null = null; ; after = pages.at(-1)?.at(-1) ?? null) {
        const page = idsOf(await bench.ledger.listLeases({ taskId: root.id, after, limit: 60 }));
        if (page.length === 0) break;
        pages.push(page);
      }
      expect(pages.flat()).toEqual(idsOf(leases).toSorted());
      expect(pages.map(({ length }) => length)).toEqual([60, 60, 60, 21]);
    },
  ],
  [
    "no page is longer than the bound",
    async (bench) => {
      const task = await bench.opened();
      await Promise.all(Array.from({ length: maxPageSize + 1 }, () => bench.intended(task)));
      expect(await bench.ledger.listLeases({ taskId: task.id, after: null, limit: 10_000 })).toHaveLength(maxPageSize);
      const { entries } = await bench.ledger.listAudit({ taskId: null, after: null, limit: 10_000 });
      expect(entries).toHaveLength(maxPageSize);
    },
  ],
  [
    "stuck leases come by id",
    async (bench) => {
      const task = await bench.opened();
      const stuck = await Promise.all([0, 1, 2].map(() => bench.active(task)));
      await bench.ended(task);
      await bench.sweep();
      const { fence } = await bench.claim();
      await Promise.all(
        stuck.map((lease) => bench.judge({ lease, fence }, { kind: "refused", reason: "denied", fix: "grant" })),
      );
      const first = await bench.ledger.listStuck({ after: null, limit: 2 });
      const second = await bench.ledger.listStuck({ after: first.at(-1)?.id ?? null, limit: 2 });
      expect([...idsOf(first), ...idsOf(second)]).toEqual(idsOf(stuck).toSorted());
    },
  ],
  [
    "a summary counts the task and all below it",
    async (bench) => {
      const root = await bench.opened();
      const child = await bench.opened({ parentId: root.id });
      await bench.intended(child);
      await bench.active(root);
      await bench.judge(await bench.dying(await bench.active(child)), { kind: "dead-unverified" });
      const byState = { intended: 1, active: 1, revoking: 0, stuck: 0, revoked: 1, expired: 0, mint_failed: 0 };
      expect(await bench.ledger.summarize(root.id)).toEqual({ live: 2, dead: 1, stuck: 0, byState });
      expect(await bench.ledger.summarize(child.id)).toMatchObject({ live: 1, dead: 1 });
      expect(await bench.ledger.summarize(bench.ids.task())).toMatchObject({ live: 0, dead: 0 });
    },
  ],
  [
    "a blast radius counts open tasks and live leases of the subtree",
    async (bench) => {
      const root = await bench.opened();
      const child = await bench.opened({ parentId: root.id });
      await bench.active(root);
      await bench.intended(child, { lease: { provider: providerName("other") } });
      await bench.judge(await bench.dying(await bench.active(root)), { kind: "dead-unverified" });
      await bench.active(await bench.opened());
      const radius = await bench.ledger.blastRadius({ kind: "task", id: root.id });
      expect(radius).toEqual({ tasks: 2, leases: 2, byProvider: { "ledger-db": 1, other: 1 } });
      const unknown = await bench.ledger.blastRadius({ kind: "task", id: bench.ids.task() });
      expect(unknown).toEqual({ tasks: 0, leases: 0, byProvider: {} });
    },
  ],
  [
    "names the sealing keys that live leases still need, and no others",
    async (bench) => {
      const task = await bench.opened();
      expect(await bench.ledger.sealedKeyIds()).toEqual([]);
      const old = await bench.active(task, {}, { sealed: "2025.nonce.text" });
      await bench.active(task, {}, { sealed: "2026.nonce.text" });
      await bench.active(task, {}, { sealed: "2026.other.text" });
      expect([...(await bench.ledger.sealedKeyIds())].toSorted()).toEqual(["2025", "2026"]);
      await bench.judge(await bench.dying(old), { kind: "dead-unverified" });
      expect(await bench.ledger.sealedKeyIds()).toEqual(["2026"]);
    },
  ],
  [
    "unknown ids read as nothing",
    async (bench) => {
      expect(await bench.ledger.readTask(bench.ids.task())).toBeUndefined();
      expect(await bench.ledger.readLease(bench.ids.lease())).toBeUndefined();
    },
  ],
];

const purge = (bench: Bench) => drain(async () => valueOf(await bench.ledger.purge(100)).more);

const purging: readonly Row[] = [
  [
    "the dead stay readable as tombstones, and not for ever",
    async (bench) => {
      const task = await bench.opened();
      const lease = await bench.active(task);
      await bench.judge(await bench.dying(lease), { kind: "dead-unverified" });
      await bench.ended(task);
      await bench.sweep();
      bench.clock.advance(tombstoneMillis - 1);
      await purge(bench);
      expect((await bench.lease(lease.id)).lease.state.kind).toBe("revoked");
      bench.clock.advance(1);
      await purge(bench);
      expect(await bench.ledger.readLease(lease.id)).toBeUndefined();
      expect(await bench.ledger.readTask(task.id)).toBeUndefined();
      expect(valueOf(await bench.ledger.purge(100))).toEqual({ purged: 0, more: false });
    },
  ],
  [
    "nothing that lives is purged, nor the tasks above it, nor an open task",
    async (bench) => {
      const root = await bench.opened();
      const child = await bench.opened({ parentId: root.id });
      const open = await bench.opened({ deadlineSeconds: 60 * 24 * 3600 });
      const lease = await bench.active(child);
      const claimed = await bench.dying(lease);
      await bench.judge(claimed, { kind: "refused", reason: "denied", fix: "grant" });
      await bench.ended(root);
      await bench.sweep();
      bench.clock.advance(2 * tombstoneMillis);
      await purge(bench);
      expect(await bench.state(lease.id)).toMatchObject({ kind: "stuck" });
      expect((await bench.task(child.id)).ancestors.map((task) => task.id)).toEqual([root.id]);
      expect((await bench.task(open.id)).gate).toEqual({ kind: "open" });
    },
  ],
  [
    "a task that its child outlived goes together with it",
    async (bench) => {
      const root = await bench.opened({ deadlineSeconds: 30 });
      const child = await bench.opened({ parentId: root.id, deadlineSeconds: 30 });
      // Nobody swept in between: the root ends at its deadline, the child at the word of its orchestrator, later.
      bench.clock.advance(60_000);
      await bench.ended(child);
      await bench.sweep();
      const states = await Promise.all([root, child].map(async ({ id }) => (await bench.task(id)).task.state));
      expect(states).toMatchObject([{ outcome: "deadline" }, { outcome: "completed" }]);
      bench.clock.advance(2 * tombstoneMillis);
      await purge(bench);
      expect([await bench.ledger.readTask(root.id), await bench.ledger.readTask(child.id)]).toEqual([
        undefined,
        undefined,
      ]);
    },
  ],
  [
    "audit outlives what it tells of",
    async (bench) => {
      const task = await bench.opened();
      await bench.ended(task);
      await bench.sweep();
      const before = await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 10 });
      bench.clock.advance(tombstoneMillis);
      await purge(bench);
      expect(await bench.ledger.readTask(task.id)).toBeUndefined();
      expect(await bench.ledger.listAudit({ taskId: task.id, after: null, limit: 10 })).toEqual(before);
    },
  ],
];

export function describePaging(make: MakeHarness): void {
  describeRows("reading: lists", make, lists);
  describeRows("reading: purge", make, purging);
}
