/** What a process remembers of the shards: whom it asks, what it finds late and never loses, and verdicts that go together. */
import { Redis } from "ioredis";
import { afterEach, expect, it } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { startDueNews } from "../../../src/engines/redis/queue/due-news.ts";
import { homeOfId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders, ledgerTarget, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisNode, type RedisWorld } from "../../support/redis-nodes.ts";
import { startRedis } from "../../support/redis-server.ts";
import { silentLog } from "../../support/silent.ts";
import { refused, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

async function scene(shards = 16) {
  const opened = await openRedisWorld(shards);
  world = opened;
  const { clock, ran } = opened;
  const [here, elsewhere] = [await opened.node(), await opened.node()];
  const builders = createBuilders({ clock });
  const active = async ({ ledger }: RedisNode): Promise<Lease> => {
    const task = valueOf(await ledger.openTask(builders.openTask()));
    const id = builders.ids.lease(homeOfId(task.id));
    const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { lease: { id } })));
    return valueOf(await ledger.completeMint(builders.completeMint(lease))).lease;
  };
  const due = async (node: RedisNode, lease: Lease, delayMillis = 0) =>
    valueOf(
      await node.ledger.makeDue({
        leaseId: lease.id,
        killCause: "requested",
        delay: millis(delayMillis),
        cause: operator,
      }),
    );
  return {
    world: opened,
    clock,
    here,
    elsewhere,
    active,
    due,
    /** One of each node, in two shards. The first has something to do soon, so that nothing else is looked at before. */
    apart: async (): Promise<readonly [mine: Lease, theirs: Lease]> => {
      const mine = await active(here);
      let theirs = await active(elsewhere);
      while (here.calls.shards.ofId(theirs.id) === here.calls.shards.ofId(mine.id)) theirs = await active(elsewhere);
      await here.ledger.dueWork();
      await due(here, mine, 900);
      return [mine, theirs];
    },
    /** How many scripts of that name a step runs. */
    asked: async (name: string, step: () => Promise<unknown>): Promise<number> => {
      ran.length = 0;
      await step();
      return ran.filter((one) => one.name === name).length;
    },
  };
}

const claim = async (ledger: Ledger, fence: string, limit = 50): Promise<readonly Lease[]> =>
  valueOf(await ledger.claimDue({ target: ledgerTarget, limit, claim: millis(30_000), fence }));
const judge = (ledger: Ledger, { id }: Pick<Lease, "id">, fence: string) =>
  ledger.recordVerdict({ leaseId: id, fence, outcome: { kind: "dead-unverified" }, jitter: 0.5 });

it("asks one shard for what is due in one, and all of them once a second", async () => {
  const { clock, here, active, due, asked } = await scene();
  const lease = await active(here);
  await here.ledger.dueWork();
  await due(here, lease, 500);
  clock.advance(499);
  expect((await here.ledger.dueWork()).targets).toEqual([]);
  clock.advance(1);
  expect(await asked("due_work", async () => expect((await here.ledger.dueWork()).targets).toHaveLength(1))).toBe(1);
  expect(await asked("claim_due", async () => expect(await claim(here.ledger, "p-1")).toHaveLength(1))).toBeGreaterThan(
    0,
  );
  clock.advance(500);
  expect(await asked("due_work", () => here.ledger.dueWork())).toBe(16);
});

it("finds what another process made due within a second, though nobody told it", async () => {
  const { clock, here, elsewhere, apart, due } = await scene();
  const [, theirs] = await apart();
  await claim(here.ledger, "p-1");
  await due(elsewhere, theirs);
  expect((await here.ledger.dueWork()).targets).toEqual([]);
  expect(await claim(here.ledger, "p-2")).toEqual([]);
  clock.advance(1_000);
  expect((await here.ledger.dueWork()).targets).toHaveLength(1);
  expect((await claim(here.ledger, "p-3")).map(({ id }) => id)).toContain(theirs.id);
});

it("finds a kill order of another process within a second, and walks it", async () => {
  const { clock, here, elsewhere, apart } = await scene();
  const [, { taskId }] = await apart();
  valueOf(await elsewhere.ledger.endTask({ taskId, outcome: "completed", reason: null, cause: operator }));
  expect((await here.ledger.dueWork()).sweep).toBe(false);
  clock.advance(1_000);
  expect((await here.ledger.dueWork()).sweep).toBe(true);
  expect(valueOf(await here.ledger.expandKillOrders(50))).toEqual({ madeDue: 1, more: false });
});

it("goes on claiming where what it remembers was taken by another process", async () => {
  const { here, elsewhere, active, due } = await scene();
  const leases = await Promise.all(Array.from({ length: 12 }, () => active(here)));
  for (const lease of leases) await due(here, lease);
  await here.ledger.dueWork();
  expect(await claim(elsewhere.ledger, "q-1", 6)).toHaveLength(6);
  const mine = [...(await claim(here.ledger, "p-1", 12)), ...(await claim(here.ledger, "p-2", 12))];
  expect(mine).toHaveLength(6);
});

it("records verdicts that come together in one script, and a refused one harms no neighbour", async () => {
  const { here, active, due, asked } = await scene(1);
  const [first, stranger, early, last] = await Promise.all(Array.from({ length: 4 }, () => active(here)));
  if (!first || !stranger || !early || !last) throw new Error("no leases");
  for (const lease of [first, early, last]) await due(here, lease);
  expect(await claim(here.ledger, "p-1")).toHaveLength(3);
  const native = { leaseId: early.id, fence: "p-1", outcome: { kind: "native_expiry" }, jitter: 0 } as const;
  const runs = await asked("record_verdicts", async () => {
    const answers = await Promise.all([
      judge(here.ledger, first, "p-1"),
      judge(here.ledger, stranger, "p-1"),
      here.ledger.recordVerdict(native),
      judge(here.ledger, last, "p-1"),
      judge(here.ledger, last, "p-1"),
    ]);
    expect(answers[0]).toMatchObject({ kind: "ok", value: { id: first.id, state: { kind: "revoked" } } });
    expect(answers[1]).toEqual(refused("fence_lost"));
    expect(answers[2]).toMatchObject({ kind: "unknown" });
    expect(answers[3]).toMatchObject({ kind: "ok", value: { id: last.id, state: { kind: "revoked" } } });
    expect(answers[4]).toEqual(answers[3]);
  });
  expect(runs).toBe(1);
  const { entries } = await here.ledger.listAudit({ taskId: null, after: null, limit: 200 });
  expect(entries.filter(({ type }) => type === "lease.revoked").map(({ leaseId }) => leaseId)).toEqual([
    first.id,
    last.id,
  ]);
  expect(new Set(entries.map(({ sequence }) => sequence)).size).toBe(entries.length);
});

it("hears from another process in which shard something is due, and passes over nonsense", async () => {
  const { clock, here, elsewhere, active, due, asked } = await scene();
  const server = await startRedis();
  const clients = Array.from({ length: 4 }, () => new Redis({ port: server.port, host: "127.0.0.1" }));
  const [publisher, subscriber, other, otherSubscriber] = clients;
  if (!publisher || !subscriber || !other || !otherSubscriber) throw new Error("no clients");
  const parts = { prefix: "p", clock, log: silentLog };
  startDueNews({ ...parts, calls: elsewhere.calls, publisher, subscriber });
  startDueNews({ ...parts, calls: here.calls, publisher: other, subscriber: otherSubscriber });
  try {
    const lease = await active(elsewhere);
    await here.ledger.dueWork();
    const { promise: heard, resolve } = Promise.withResolvers<number>();
    here.ledger.onDue(resolve);
    while ((await publisher.pubsub("NUMSUB", "p:due"))[1] !== 2);
    await publisher.publish("p:due", "nonsense 99999:1 :");
    await due(elsewhere, lease);
    clock.advance(2);
    expect(await heard).toBeLessThanOrEqual(clock.now());
    expect(await asked("due_work", async () => expect((await here.ledger.dueWork()).targets).toHaveLength(1))).toBe(1);
  } finally {
    for (const client of clients) client.disconnect();
    await server.stop();
  }
});
