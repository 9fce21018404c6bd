/** What a node had claimed that fell silent: given back by the others in seconds, once, and never to the harm of a living one. */
import { afterEach, expect, it } from "vitest";
import type { Lease } from "../../../src/domain/lease.ts";
import { createSignsOfLife, type SignsOfLife } from "../../../src/engines/redis/signs-of-life.ts";
import { defineScript, numberOf } from "../../../src/engines/redis/script.ts";
import { homeOfId } from "../../../src/kernel/ids.ts";
import { millis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders, ledgerTarget, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisNode, type RedisWorld } from "../../support/redis-nodes.ts";
import { silentLog } from "../../support/silent.ts";
import { refused, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

interface Node extends RedisNode {
  readonly signs: SignsOfLife;
}

async function scene(shards = 4) {
  const opened = await openRedisWorld(shards);
  world = opened;
  const { clock } = opened;
  const node = async (): Promise<Node> => {
    const { ledger, calls } = await opened.node();
    const signs = createSignsOfLife({ calls, log: silentLog });
    return { calls, signs, ledger: signs.remember(ledger) };
  };
  const builders = createBuilders({ clock });
  return {
    world: opened,
    node,
    /** Leases that are to die now. */
    async due({ ledger }: Node, count: number): Promise<readonly Lease[]> {
      const one = async (): Promise<Lease> => {
        const task = valueOf(await ledger.openTask(builders.openTask()));
        const id = builders.ids.lease(homeOfId(task.id));
        const { lease } = valueOf(await ledger.recordIntent(builders.recordIntent(task.id, { lease: { id } })));
        await ledger.completeMint(builders.completeMint(lease));
        return valueOf(
          await ledger.makeDue({ leaseId: id, killCause: "requested", delay: millis(0), cause: operator }),
        );
      };
      return Promise.all(Array.from({ length: count }, one));
    },
    /** A second passes, and these say that they live. */
    async seconds(count: number, ...alive: readonly Node[]): Promise<void> {
      for (let second = 0; second < count; second += 1) {
        clock.advance(1_000);
        for (const { signs } of alive) await signs.say();
      }
    },
  };
}

const claim = async (ledger: Ledger, fence: string, limit = 50): Promise<readonly Lease[]> =>
  valueOf(await ledger.claimDue({ target: ledgerTarget, limit, claim: millis(30_000), fence }));
const judge = (ledger: Ledger, { id }: Lease, fence: string) =>
  ledger.recordVerdict({ leaseId: id, fence, outcome: { kind: "dead-unverified" }, jitter: 0.5 });
const ids = (leases: readonly Lease[]) => leases.map(({ id }) => id).toSorted();

it("gives back what a node held when it has been silent for three seconds, and not before", async () => {
  const at = await scene();
  const [dead, other] = [await at.node(), await at.node()];
  const leases = await at.due(dead, 20);
  await at.seconds(2, dead, other);
  expect(ids(await claim(dead.ledger, "dead-1"))).toEqual(ids(leases));
  await at.seconds(2, other);
  expect(await claim(other.ledger, "other-1")).toEqual([]);
  await at.seconds(1, other);
  expect(ids(await claim(other.ledger, "other-2"))).toEqual(ids(leases));
});

it("leaves a node alone that says that it lives, for as long as a claim lasts", async () => {
  const at = await scene();
  const [busy, other] = [await at.node(), await at.node()];
  const leases = await at.due(busy, 5);
  await claim(busy.ledger, "busy-1");
  await at.seconds(29, busy, other);
  expect(await claim(other.ledger, "other-1")).toEqual([]);
  for (const lease of leases) expect(await judge(busy.ledger, lease, "busy-1")).toMatchObject({ kind: "ok" });
});

it("gives back page by page, more than one script may touch", async () => {
  const at = await scene(1);
  const [dead, other] = [await at.node(), await at.node()];
  await at.due(dead, 520);
  for (let chunk = 0; chunk < 11; chunk += 1) await claim(dead.ledger, `dead-${chunk}`);
  await at.seconds(1, other);
  at.world.ran.length = 0;
  await at.seconds(3, other);
  // Of the three seconds the last one needs two runs.
  expect(at.world.ran.filter(({ name }) => name === "alive")).toHaveLength(4);
  expect((await other.ledger.dueWork()).targets).toHaveLength(1);
  let claimed = 0;
  for (let chunk = 0; chunk < 11; chunk += 1) claimed += (await claim(other.ledger, `other-${chunk}`)).length;
  expect(claimed).toBe(520);
});

it("gives back once where two notice at the same time", async () => {
  const at = await scene();
  const [dead, left, right] = [await at.node(), await at.node(), await at.node()];
  const leases = await at.due(dead, 20);
  await claim(dead.ledger, "dead-1");
  await at.seconds(2, left, right);
  at.world.clock.advance(1_000);
  await Promise.all([left.signs.say(), right.signs.say()]);
  const [first, second] = [await claim(left.ledger, "left-1", 10), await claim(right.ledger, "right-1", 50)];
  await Promise.all([left.signs.say(), right.signs.say()]);
  expect(ids([...first, ...second])).toEqual(ids(leases));
  for (const lease of first) expect(await judge(left.ledger, lease, "left-1")).toMatchObject({ kind: "ok" });
  for (const lease of second) expect(await judge(right.ledger, lease, "right-1")).toMatchObject({ kind: "ok" });
});

it("refuses the late verdict of a node that was only paused, which then takes its part again", async () => {
  const at = await scene();
  const [paused, other] = [await at.node(), await at.node()];
  const [lease, rest] = await at.due(paused, 2);
  if (lease === undefined || rest === undefined) throw new Error("no leases");
  await claim(paused.ledger, "paused-1");
  await at.seconds(4, other);
  expect(await judge(paused.ledger, lease, "paused-1")).toEqual(refused("fence_lost"));
  const again = await claim(paused.ledger, "paused-2");
  await at.seconds(10, paused, other);
  expect(await claim(other.ledger, "other-1")).toEqual([]);
  for (const one of again) expect(await judge(paused.ledger, one, "paused-2")).toMatchObject({ kind: "ok" });
  expect(ids(again)).toEqual(ids([lease, rest]));
});

it("judges nobody after a time in which it was not heard itself", async () => {
  const at = await scene();
  const [busy, other] = [await at.node(), await at.node()];
  await at.due(busy, 5);
  await at.seconds(1, busy, other);
  await claim(busy.ledger, "busy-1");
  // The server was away for everybody.
  at.world.clock.advance(10_000);
  await at.seconds(1, other, busy);
  await at.seconds(2, other, busy);
  expect(await claim(other.ledger, "other-1")).toEqual([]);
});

it("takes a step of the server's clock, and a pause of the server, for nobody's silence", async () => {
  const at = await scene();
  const [busy, other] = [await at.node(), await at.node()];
  await at.due(busy, 5);
  await at.seconds(2, busy, other);
  await claim(busy.ledger, "busy-1");
  // To who asks only a second has passed.
  at.world.clock.jumpWall(10_000);
  await at.seconds(3, other, busy);
  expect(await claim(other.ledger, "other-1")).toEqual([]);
  await at.seconds(3, other);
  expect(await claim(other.ledger, "other-2")).toHaveLength(5);
});

it("keeps nothing of who holds nothing any more", async () => {
  const at = await scene(1);
  const [gone, other] = [await at.node(), await at.node()];
  const [lease] = await at.due(gone, 1);
  if (lease === undefined) throw new Error("no lease");
  await claim(gone.ledger, "gone-1");
  await judge(gone.ledger, lease, "gone-1");
  await at.seconds(4, other);
  const look = defineScript(
    "look",
    [],
    "return finish('ok', seq, { call('EXISTS', at('claimers'), at('fences', 'gone')) })",
  );
  expect(numberOf((await other.calls.ask(0, look, {})).payload[0])).toBe(0);
});
