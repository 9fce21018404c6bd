/** Lists and counts over several shards, and of subtrees that no single script may look at as a whole. */
import { expect } from "vitest";
import { homeOfId, type LeaseId } from "../../../src/kernel/ids.ts";
import type { ActivePage } from "../../../src/ports/ledger-views.ts";
import { agentName, ledgerTarget, operator, providerName } from "../../support/builders.ts";
import { makeShardedHarness } from "../../support/redis-harness.ts";
import { describeRows, valueOf, type Row } from "../../kit/ledger/bench.ts";

const idsOf = (leases: readonly { readonly id: LeaseId }[]): readonly LeaseId[] => leases.map(({ id }) => id);

const rows: readonly Row[] = [
  [
    "what stands behind a door is counted once, wherever it is",
    async (bench) => {
      const tasks = await Promise.all(Array.from({ length: 30 }, () => bench.opened()));
      const leases = await Promise.all(tasks.slice(0, 20).map((task) => bench.active(task)));
      const [first] = tasks;
      if (first === undefined) throw new Error("no task");
      const all = { tasks: 30, leases: 20, byProvider: { "ledger-db": 20 } };
      const { agent, template } = (await bench.lease(leases[0]?.id ?? bench.ids.lease())).lease;
      expect(await bench.ledger.blastRadius({ kind: "all" })).toEqual(all);
      expect(await bench.ledger.blastRadius({ kind: "agent", name: agent })).toEqual(all);
      expect(await bench.ledger.blastRadius({ kind: "template", name: template })).toEqual({ ...all, tasks: 20 });
      const nobody = await bench.ledger.blastRadius({ kind: "agent", name: agentName("nobody") });
      expect(nobody).toEqual({ tasks: 0, leases: 0, byProvider: {} });
      await bench.ended(first);
      await bench.sweep();
      expect(await bench.ledger.blastRadius({ kind: "all" })).toEqual(all);
    },
  ],
  [
    "a subtree of many pages is listed and counted in full",
    async (bench) => {
      const root = await bench.opened();
      const children = await Promise.all(Array.from({ length: 350 }, () => bench.opened({ parentId: root.id })));
      const leases = await Promise.all([root, root, ...children].map((task) => bench.intended(task)));
      const pages: LeaseId[] = [];
      for (let after: LeaseId | null = null; ; after = pages.at(-1) ?? null) {
        const page = idsOf(await bench.ledger.listLeases({ taskId: root.id, after, limit: 150 }));
        if (page.length === 0) break;
        pages.push(...page);
      }
      expect(pages).toEqual(idsOf(leases).toSorted());
      expect(await bench.ledger.summarize(root.id)).toMatchObject({ live: 352, dead: 0 });
      const radius = await bench.ledger.blastRadius({ kind: "task", id: root.id });
      expect(radius).toEqual({ tasks: 351, leases: 352, byProvider: { "ledger-db": 352 } });
    },
  ],
  [
    "stuck leases of all shards come by id, each on one page",
    async (bench) => {
      const leases = [];
      for (let count = 0; count < 12; count += 1) {
        const claimed = await bench.dying(await bench.active(await bench.opened()));
        leases.push(await bench.judge(claimed, { kind: "refused", reason: "denied", fix: "grant" }));
      }
      const first = idsOf(await bench.ledger.listStuck({ after: null, limit: 7 }));
      const second = idsOf(await bench.ledger.listStuck({ after: first.at(-1) ?? null, limit: 7 }));
      expect([...first, ...second]).toEqual(idsOf(leases).toSorted());
      expect(first).toHaveLength(7);
    },
  ],
  [
    "active leases of a target come from all shards, and whoever dies between two pages hides no other",
    async (bench) => {
      const crowded = await bench.opened();
      const own = Array.from({ length: 7 }, () => bench.active(crowded));
      const spread = Array.from({ length: 40 }, async () => bench.active(await bench.opened()));
      const other = { lease: { provider: providerName("other") } };
      await Promise.all(Array.from({ length: 10 }, async () => bench.active(await bench.opened(), other)));
      const leases = await Promise.all([...own, ...spread]);
      const met: LeaseId[] = [];
      const died = new Set<LeaseId>();
      for (let after: string | null = null, pages = 0; after !== null || pages === 0; pages += 1) {
        const page: ActivePage = await bench.ledger.listActive({ target: ledgerTarget, after, limit: 2 });
        met.push(...idsOf(page.leases));
        after = page.next;
        // The one by which the next page is found, every other time.
        const last = page.leases.at(-1);
        if (pages % 2 === 0 && last !== undefined) died.add((await bench.dying(last)).lease.id);
      }
      const stayed = idsOf(leases).filter((id) => !died.has(id));
      expect(stayed.filter((id) => !met.includes(id))).toEqual([]);
      expect(met.filter((id) => !idsOf(leases).includes(id))).toEqual([]);
      expect(died.size).toBeGreaterThan(10);
      expect(new Set(leases.map(({ id }) => homeOfId(id))).size).toBeGreaterThan(20);
    },
  ],
  [
    "a door of all shards is one door, a sealing key one key",
    async (bench) => {
      await Promise.all(
        Array.from({ length: 10 }, async () => bench.active(await bench.opened(), {}, { sealed: "2026.nonce.text" })),
      );
      expect(await bench.ledger.sealedKeyIds()).toEqual(["2026"]);
      const scope = { kind: "agent", name: agentName("invoice-bot") } as const;
      valueOf(await bench.ledger.closeDoor({ scope, reason: "drill", cause: operator }));
      expect(await bench.ledger.listDoors()).toMatchObject([{ scope, reason: "drill", expanding: true }]);
      await bench.sweep();
      expect(await bench.ledger.listDoors()).toMatchObject([{ scope, reason: "drill", expanding: false }]);
    },
  ],
];

describeRows("the Redis ledger: lists over shards", makeShardedHarness, rows);
