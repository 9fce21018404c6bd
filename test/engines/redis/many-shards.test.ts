/** The kill path over many shards: what is written everywhere, what is gathered from everywhere, and shards that are away. */
import { afterEach, expect, it } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import type { Task } from "../../../src/domain/task.ts";
import { homeOfId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { agentName, createBuilders, ledgerTarget, operator, type IntentWish } from "../../support/builders.ts";
import { openRedisWorld, type RedisNode, type RedisWorld } from "../../support/redis-nodes.ts";
import { drain, endOf, present, refused, sweep, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

interface Scene extends RedisNode, ReturnType<typeof createBuilders> {
  readonly world: RedisWorld;
  opened(wish?: Parameters<ReturnType<typeof createBuilders>["openTask"]>[0]): Promise<Task>;
  active(task: Task, wish?: IntentWish): Promise<Lease>;
  kill(lease: Lease, delayMillis?: number): Promise<Lease>;
  claim(wish?: { limit?: number; fence?: string; from?: Ledger }): Promise<readonly Lease[]>;
}

async function scene(shards = 64): Promise<Scene> {
  const opened = await openRedisWorld(shards);
  world = opened;
  const { ledger, calls } = await opened.node();
  const builders = createBuilders({ clock: opened.clock });
  return {
    ...builders,
    ledger,
    calls,
    world: opened,
    opened: async (wish) => valueOf(await ledger.openTask(builders.openTask(wish))),
    async active(task, wish) {
      const id = builders.ids.lease(homeOfId(task.id));
      const command = builders.recordIntent(task.id, { ...wish, lease: { ...wish?.lease, id } });
      const { lease } = valueOf(await ledger.recordIntent(command));
      return valueOf(await ledger.completeMint(builders.completeMint(lease))).lease;
    },
    kill: async (lease, delayMillis = 0) =>
      valueOf(
        await ledger.makeDue({
          leaseId: lease.id,
          killCause: "requested",
          delay: millis(delayMillis),
          cause: operator,
        }),
      ),
    claim: async ({ limit = 50, fence = "fence", from = ledger } = {}) =>
      valueOf(await from.claimDue({ target: ledgerTarget, limit, claim: millis(30_000), fence })),
  };
}

const shardOf = ({ calls }: Scene, lease: Pick<Lease, "id">): number => calls.shards.ofId(lease.id);
const stateOf = async ({ ledger }: Scene, { id }: Lease) => present(await ledger.readLease(id)).lease.state;
const idsOf = (leases: readonly Lease[]) => leases.map(({ id }) => id);

/** Leases of that many tasks, which fall anywhere. */
const spread = (at: Scene, count: number, agent = agentName("invoice-bot")): Promise<readonly Lease[]> =>
  Promise.all(Array.from({ length: count }, async () => at.active(await at.opened({ agent }), { lease: { agent } })));

const door = { scope: { kind: "agent", name: agentName("hit") }, reason: "drill", cause: operator } as const;

it("a door is closed in every shard, kills behind it wherever that lives, and is opened in every shard", async () => {
  const at = await scene();
  const [behind, beside] = [await spread(at, 100, agentName("hit")), await spread(at, 30, agentName("miss"))];
  expect(new Set(behind.map((lease) => shardOf(at, lease))).size).toBeGreaterThan(40);
  expect(valueOf(await at.ledger.closeDoor(door))).toMatchObject({ reason: "drill", expanding: true });
  const open = (agent: string) => at.ledger.openTask(at.openTask({ agent: agentName(agent) }));
  const refusals = await Promise.all(Array.from({ length: 100 }, () => open("hit")));
  for (const answer of refusals) expect(answer).toEqual(refused("gate_closed", { gate: "door_closed" }));
  await sweep(at.ledger, 50);
  for (const lease of behind) expect(await stateOf(at, lease)).toMatchObject({ cause: "door_closed" });
  for (const lease of beside) expect(await stateOf(at, lease)).toMatchObject({ kind: "active" });
  valueOf(await at.ledger.openDoor(door));
  expect(new Set((await Promise.all(Array.from({ length: 100 }, () => open("hit")))).map(({ kind }) => kind))).toEqual(
    new Set(["ok"]),
  );
  expect(await at.ledger.openDoor(door)).toEqual(refused("not_found"));
});

it("a page of a sweep over many shards does no more than it may, and says that there is more", async () => {
  const at = await scene();
  const leases = await spread(at, 100, agentName("hit"));
  valueOf(await at.ledger.closeDoor(door));
  let total = 0;
  await drain(async () => {
    const { madeDue, more } = valueOf(await at.ledger.expandKillOrders(30));
    expect(madeDue).toBeLessThanOrEqual(30);
    total += madeDue;
    return more;
  });
  expect(total).toBe(leases.length);
  expect((await at.ledger.dueWork()).sweep).toBe(false);
});

it("a door is not said to be closed while a shard has not acknowledged it, and closing again makes it so", async () => {
  const at = await scene();
  at.world.cutOff(({ name }, shard) => name === "close_door" && shard === 63);
  expect(await at.ledger.closeDoor(door)).toMatchObject({ kind: "unknown" });
  at.world.cutOff(null);
  const closedAt = at.world.clock.now();
  at.world.clock.advance(1000);
  expect(valueOf(await at.ledger.closeDoor({ ...door, reason: "again" }))).toMatchObject({ reason: "drill", closedAt });
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => at.ledger.openTask(at.openTask({ agent: agentName("hit") }))),
  );
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["conflict"]));
});

it("names no instant that has passed as the next one, though a wrong wall drove the clock of one shard ahead", async () => {
  const at = await scene(2);
  const leases = await spread(at, 20);
  const [ahead, behind] = [0, 1].map((shard) => present(leases.find((lease) => shardOf(at, lease) === shard)));
  at.world.clock.jumpWall(50_000);
  await at.kill(present(ahead), 3_600_000);
  at.world.clock.jumpWall(-50_000);
  const rung: number[] = [];
  at.ledger.onDue((dueAt) => rung.push(dueAt));
  await at.kill(present(behind), 10_000);
  const { now, nextAt } = await at.ledger.dueWork();
  expect(now).toBe(at.world.clock.now() + 50_000);
  expect([nextAt, ...rung]).toEqual([now + 10_000, now + 10_000]);
  at.world.clock.advance(15_000);
  const { targets, ...later } = await at.ledger.dueWork();
  expect(targets.map(({ oldestDueAt }) => later.now - oldestDueAt)).toEqual([5_000]);
  const shown = await at.ledger.listTargets();
  expect(shown.map(({ oldestDueAt }) => later.now - present(oldestDueAt ?? undefined))).toEqual([5_000]);
});

it("hands out the most urgent of all shards: kills first, then the earliest", async () => {
  const at = await scene();
  const leases = await spread(at, 40);
  const [routine, kills] = [leases.slice(0, 20), leases.slice(20)];
  for (const [index, lease] of kills.entries()) await at.kill(lease, 10_000 + 100 * ((index * 7) % 20));
  at.world.clock.advance(3_600_000);
  const first = await at.claim({ limit: 8, fence: "first" });
  // What one shard has due goes together, and the shard with the earliest goes first.
  expect(first).toHaveLength(8);
  expect(idsOf(kills)).toEqual(expect.arrayContaining(idsOf(first)));
  expect(idsOf(first)).toContain(kills[0]?.id);
  const rest = [...(await at.claim({ limit: 12, fence: "second" })), ...(await at.claim({ fence: "third" }))];
  expect(idsOf(rest.slice(0, 12)).toSorted()).toEqual(
    idsOf(kills.filter((lease) => !idsOf(first).includes(lease.id))).toSorted(),
  );
  expect(idsOf(rest.slice(12)).toSorted()).toEqual(idsOf(routine).toSorted());
});

it("a repeated claim is answered with what the fence holds in all shards, until it lapses or is given back", async () => {
  const at = await scene();
  for (const lease of await spread(at, 30)) await at.kill(lease);
  const held = await at.claim({ limit: 20, fence: "mine" });
  expect(new Set(held.map((lease) => shardOf(at, lease))).size).toBeGreaterThan(5);
  const other = await at.world.node();
  expect(idsOf(await at.claim({ limit: 20, fence: "mine", from: other.ledger })).toSorted()).toEqual(
    idsOf(held).toSorted(),
  );
  expect(await at.ledger.listTargets()).toMatchObject([{ due: 10, claimed: 20 }]);
  expect(valueOf(await other.ledger.releaseClaim({ fence: "mine" }))).toEqual({ released: 20 });
  // What another node changed is found within a second.
  at.world.clock.advance(1000);
  expect((await at.ledger.dueWork()).targets).toHaveLength(1);
  expect(await at.claim({ limit: 50, fence: "theirs" })).toHaveLength(30);
});

it("two nodes that claim at once never hold one lease twice, and leave none behind", async () => {
  const at = await scene(8);
  const leases = await spread(at, 120);
  await Promise.all(leases.map((lease) => at.kill(lease)));
  const nodes = [at, await at.world.node(), await at.world.node()];
  const work = async (from: Ledger, node: number): Promise<readonly Lease[]> => {
    const claimed: Lease[] = [];
    for (let round = 0; (await from.dueWork()).targets.length > 0; round += 1)
      claimed.push(...(await at.claim({ limit: 7, fence: `f-${node}-${round}`, from })));
    return claimed;
  };
  const all = idsOf((await Promise.all(nodes.map(({ ledger }, node) => work(ledger, node)))).flat());
  expect(all).toHaveLength(leases.length);
  expect(new Set(all)).toEqual(new Set(idsOf(leases)));
});

it("a shard that does not answer keeps no kill of the others waiting", async () => {
  const at = await scene(4);
  const leases = await spread(at, 40);
  await Promise.all(leases.map((lease) => at.kill(lease)));
  const away = 2;
  const reachable = leases.filter((lease) => shardOf(at, lease) !== away);
  expect(reachable.length).toBeLessThan(leases.length);
  at.world.cutOff((_, shard) => shard === away);
  const work = await at.ledger.dueWork();
  expect(work.targets).toMatchObject([{ target: ledgerTarget }]);
  expect(work.nextAt).toBe(work.now + 1000);
  const claimed = [...(await at.claim({ fence: "a" })), ...(await at.claim({ fence: "b" }))];
  expect(idsOf(claimed).toSorted()).toEqual(idsOf(reachable).toSorted());
  expect(valueOf(await at.ledger.expandKillOrders(100))).toEqual({ madeDue: 0, more: false });
  at.world.cutOff(() => true);
  await expect(at.ledger.dueWork()).rejects.toThrow("ECONNREFUSED");
  expect(await at.ledger.claimDue({ target: ledgerTarget, limit: 1, claim: millis(1), fence: "c" })).toMatchObject({
    kind: "unknown",
  });
  at.world.cutOff(null);
  at.world.clock.advance(1000);
  expect(await at.claim({ fence: "d" })).toHaveLength(leases.length - reachable.length);
});

const policy = (agents: readonly string[]) => ({
  digest: "d",
  agents: agents.map(agentName),
  issuers: [],
  cause: operator,
});

it.each(["close_door", "store_policy"])("a policy load that broke off at %s is made good by the next", async (step) => {
  const at = await scene();
  valueOf(await at.ledger.loadPolicy(policy(["hit", "stays"])));
  const [lease] = await spread(at, 1, agentName("hit"));
  at.world.cutOff(({ name }, shard) => name === step && shard % 2 === 0);
  expect(await at.ledger.loadPolicy(policy(["stays"]))).toMatchObject({ kind: "unknown" });
  at.world.cutOff(null);
  const { ledger } = await at.world.node();
  expect(valueOf(await ledger.loadPolicy(policy(["stays"])))).toEqual({ closed: [door.scope] });
  await sweep(ledger);
  expect(await stateOf(at, present(lease))).toMatchObject({ cause: "door_closed" });
  expect(valueOf(await ledger.loadPolicy(policy(["stays"])))).toEqual({ closed: [] });
});

it("policies that are loaded at once on two nodes shut out whoever the last of them lacks", async () => {
  const at = await scene(4);
  const other = await at.world.node();
  valueOf(await at.ledger.loadPolicy(policy(["stays"])));
  await Promise.all([
    at.ledger.loadPolicy(policy(["stays", "one"])),
    other.ledger.loadPolicy(policy(["stays", "two"])),
  ]);
  valueOf(await at.ledger.loadPolicy(policy(["stays"])));
  const kindOf = async (agent: string) => (await at.ledger.openTask(at.openTask({ agent: agentName(agent) }))).kind;
  expect([await kindOf("one"), await kindOf("two"), await kindOf("stays")]).toEqual(["conflict", "conflict", "ok"]);
});

it("a breaker and its reset reach every shard", async () => {
  const at = await scene(16);
  const leases = await spread(at, 40);
  await Promise.all(leases.map((lease) => at.kill(lease)));
  for (const lease of await at.claim({ fence: "tried" })) {
    const outcome = { kind: "retry", reason: "timeout", after: millis(600_000) } as const;
    valueOf(await at.ledger.recordVerdict({ leaseId: lease.id, fence: "tried", outcome, jitter: 0 }));
  }
  const until = at.world.clock.now();
  const set = (breaker: Parameters<Ledger["setTarget"]>[0]["breaker"]) =>
    at.ledger.setTarget({ target: ledgerTarget, breaker, paused: null, cause: operator });
  valueOf(await set({ kind: "open", until, reason: "timeouts" }));
  expect(valueOf(await set({ kind: "closed" }))).toMatchObject({ due: 0, claimed: 0, breaker: { kind: "closed" } });
  await sweep(at.ledger);
  expect(await at.ledger.listTargets()).toMatchObject([{ due: 40 }]);
});

it("lapsed tasks of all shards end in pages, the earliest first", async () => {
  const at = await scene();
  const tasks: Task[] = [];
  for (let count = 0; count < 60; count += 1) tasks.push(await at.opened({ deadlineSeconds: 1 + count }));
  at.world.clock.advance(3_600_000);
  const first = valueOf(await at.ledger.closeOverdueTasks(25));
  expect(first).toEqual({ closed: 25, more: true });
  const head = await Promise.all(tasks.slice(0, 1).map(({ id }) => at.ledger.readTask(id)));
  expect(head[0]?.task.state).toMatchObject({ kind: "ended", outcome: "deadline" });
  const rest = [valueOf(await at.ledger.closeOverdueTasks(25)), valueOf(await at.ledger.closeOverdueTasks(25))];
  expect(rest).toEqual([
    { closed: 25, more: true },
    { closed: 10, more: false },
  ]);
});

it("what is dead goes from every shard, a week later", async () => {
  const at = await scene(16);
  const leases = await spread(at, 20);
  for (const { taskId } of leases) valueOf(await at.ledger.endTask(endOf(taskId)));
  await sweep(at.ledger);
  for (const lease of await at.claim({ fence: "f" }))
    valueOf(
      await at.ledger.recordVerdict({ leaseId: lease.id, fence: "f", outcome: { kind: "already-gone" }, jitter: 0 }),
    );
  at.world.clock.advance(7 * 24 * 3_600_000);
  let total = 0;
  await drain(async () => {
    const { purged, more } = valueOf(await at.ledger.purge(10));
    expect(purged).toBeLessThanOrEqual(10);
    total += purged;
    return more;
  });
  expect(total).toBe(40);
  for (const { id } of leases) expect(await at.ledger.readLease(id)).toBeUndefined();
});
