/** Walks of kill orders in one shard: pages that neither skip nor repeat, however many leases fall due at one instant. */
import { afterEach, expect, it } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import type { ShardCalls } from "../../../src/engines/redis/shard-calls.ts";
import { createSignsOfLife } from "../../../src/engines/redis/signs-of-life.ts";
import { lastSigns, restoreStore } from "../../../src/engines/redis/verbs/restore.ts";
import { maxSweepRows } from "../../../src/kernel/limits.ts";
import { millis } from "../../../src/kernel/time.ts";
import { agentName, createBuilders, ledgerTarget, operator } from "../../support/builders.ts";
import { silentLog } from "../../support/silent.ts";
import { openRedisWorld, type RedisWorld } from "../../support/redis-nodes.ts";
import { drain, endOf, present, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

async function scene() {
  const opened = await openRedisWorld(1);
  world = opened;
  const { ledger, calls } = await opened.node();
  const builders = createBuilders({ clock: opened.clock });
  const task = valueOf(await ledger.openTask(builders.openTask({ agent: agentName("conductor") })));
  const issue = async (agent: string): Promise<Lease> => {
    const wish = { lease: { agent: agentName(agent) }, ttlSeconds: 600 };
    const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, wish)));
    return valueOf(await ledger.completeMint(builders.completeMint(lease))).lease;
  };
  return { clock: opened.clock, ledger, calls, builders, task, issue };
}

const count = 2000;

it(`a door walks ${count} leases of one due instant in pages of ${maxSweepRows}, each once`, async () => {
  const { ledger, issue } = await scene();
  const agents = Array.from({ length: count }, (_, index) => (index % 3 === 0 ? "hit" : "miss"));
  const leases = await Promise.all(agents.map(issue));
  expect(new Set(leases.map(({ expiresAt }) => expiresAt)).size).toBe(1);
  valueOf(await ledger.closeDoor({ scope: { kind: "agent", name: agentName("hit") }, reason: "x", cause: operator }));
  const pages: number[] = [];
  await drain(async () => {
    const { madeDue, more } = valueOf(await ledger.expandKillOrders(maxSweepRows));
    pages.push(madeDue);
    return more;
  });
  expect(pages.reduce((total, page) => total + page, 0)).toBe(agents.filter((agent) => agent === "hit").length);
  // What was made due is looked at once more among the kills, and no row more often.
  expect(pages.length).toBeLessThanOrEqual(7);
  const states = await Promise.all(leases.map(async ({ id }) => present(await ledger.readLease(id)).lease.state.kind));
  expect(states).toEqual(agents.map((agent) => (agent === "hit" ? "revoking" : "active")));
});

it("a walk goes on behind its cursor when the row that it stood on has moved away", async () => {
  const { ledger, issue, task } = await scene();
  const leases = await Promise.all(Array.from({ length: 40 }, () => issue("miss")));
  valueOf(await ledger.closeDoor({ scope: { kind: "all" }, reason: "x", cause: operator }));
  let total = 0;
  for (let page = 0; page < 40; page += 1) {
    const { madeDue, more } = valueOf(await ledger.expandKillOrders(3));
    total += madeDue;
    // The rows that were just walked are claimed and judged while the walk stands on one of them.
    const claimed = valueOf(
      await ledger.claimDue({ target: ledgerTarget, limit: 50, claim: millis(30_000), fence: `f${page}` }),
    );
    for (const lease of claimed)
      valueOf(
        await ledger.recordVerdict({
          leaseId: lease.id,
          fence: `f${page}`,
          outcome: { kind: "already-gone" },
          jitter: 0,
        }),
      );
    if (!more) break;
  }
  expect(total).toBe(leases.length);
  expect((await ledger.dueWork()).targets).toEqual([]);
  expect(present(await ledger.readTask(task.id)).task.state).toEqual({ kind: "open" });
});

it("the end of a task goes ahead of a door that was closed before it", async () => {
  const { ledger, issue, builders } = await scene();
  await Promise.all(Array.from({ length: 30 }, () => issue("miss")));
  const other = valueOf(await ledger.openTask(builders.openTask()));
  const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(other.id)));
  valueOf(await ledger.closeDoor({ scope: { kind: "all" }, reason: "x", cause: operator }));
  valueOf(await ledger.endTask(endOf(other.id)));
  valueOf(await ledger.expandKillOrders(3));
  expect(present(await ledger.readLease(lease.id)).lease.state).toMatchObject({ cause: "task_ended" });
});

const restore = async (calls: ShardCalls, generation: number) =>
  expect(await restoreStore(calls, { generation, signs: await lastSigns(calls), cause: operator })).toBe("ordered");

it("a restore ends every task and kills every lease before anything new is issued", async () => {
  const { ledger, calls, issue, builders, task } = await scene();
  const leases = await Promise.all(Array.from({ length: 20 }, () => issue("miss")));
  for (let more = 0; more < 5; more += 1) valueOf(await ledger.openTask(builders.openTask()));
  await restore(calls, 2);
  const suspended = { kind: "conflict", conflict: { reason: "suspended", why: "restoring" } };
  expect(await ledger.openTask(builders.openTask())).toEqual(suspended);
  const openings: unknown[] = [];
  await drain(async () => {
    openings.push(await ledger.openTask(builders.openTask()));
    return valueOf(await ledger.expandKillOrders(4)).more;
  });
  expect(openings.length).toBeGreaterThan(5);
  expect(openings).toEqual(openings.map(() => suspended));
  for (const { id } of leases)
    expect(present(await ledger.readLease(id)).lease.state).toMatchObject({ kind: "revoking", cause: "restored" });
  expect(present(await ledger.readTask(task.id)).task.state).toMatchObject({ outcome: "killed", reason: "restored" });
  expect((await ledger.health()).counts.openTasks).toBe(0);
  expect(await ledger.openTask(builders.openTask())).toMatchObject({ kind: "ok" });
});

it("a restore that is ordered again while the first is walked holds issuing until both are", async () => {
  const { ledger, calls, issue, builders } = await scene();
  await Promise.all(Array.from({ length: 6 }, () => issue("miss")));
  await restore(calls, 2);
  valueOf(await ledger.expandKillOrders(4));
  await restore(calls, 3);
  const openings: unknown[] = [];
  await drain(async () => {
    openings.push((await ledger.openTask(builders.openTask())).kind);
    return valueOf(await ledger.expandKillOrders(2)).more;
  });
  expect(openings).toEqual(openings.map(() => "conflict"));
  expect(await ledger.health()).toMatchObject({ generation: 3, suspended: null, counts: { openTasks: 0 } });
  const after = valueOf(await ledger.openTask(builders.openTask()));
  valueOf(await ledger.expandKillOrders(500));
  expect(present(await ledger.readTask(after.id)).task.state).toEqual({ kind: "open" });
});

it("a shard in which somebody said meanwhile that it lives is not restored", async () => {
  const { ledger, calls, clock } = await scene();
  const signs = await lastSigns(calls);
  clock.advance(1_000);
  await createSignsOfLife({ calls, log: silentLog }).say();
  expect(await restoreStore(calls, { generation: 2, signs, cause: operator })).toBe("in_use");
  expect(await ledger.health()).toMatchObject({ generation: 1, suspended: null });
});
