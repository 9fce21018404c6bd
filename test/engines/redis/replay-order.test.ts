/** What nodes write again after a failover comes in any order: no order may bring back what was ended. */
import { afterEach, expect, it } from "vitest";
import { createRedisLedger } from "../../../src/engines/redis/ledger.ts";
import { defineScript } from "../../../src/engines/redis/script.ts";
import { storedFormat } from "../../../src/engines/redis/stored-format.ts";
import { isOpenedSince } from "../../../src/engines/redis/verbs/doors.ts";
import { homeOfId, type TaskId } from "../../../src/kernel/ids.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { createBuilders, operator } from "../../support/builders.ts";
import { openRedisWorld, type RedisNode, type RedisWorld } from "../../support/redis-nodes.ts";
import { silentLog } from "../../support/silent.ts";
import { drain, present, valueOf } from "../../kit/ledger/bench.ts";

let world: RedisWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** As a node writes again what another master lost. */
function repeating({ calls }: RedisNode): Ledger {
  const again: typeof calls = {
    ...calls,
    ask: (shard, script, command) => calls.ask(shard, script, { ...command, lost: true }),
  };
  return createRedisLedger({ calls: again, log: silentLog, close: async () => {} });
}

async function scene() {
  world = await openRedisWorld(4);
  const node = await world.node();
  return { ledger: node.ledger, again: repeating(node), builders: createBuilders({ clock: world.clock }) };
}

const end = (taskId: TaskId) => ({ taskId, outcome: "failed", reason: "why", cause: operator }) as const;

it("a task whose end one node writes again before another its opening is ended", async () => {
  const { ledger, again, builders } = await scene();
  const opening = builders.openTask();
  expect((await again.endTask(end(opening.task.id))).kind).toBe("conflict");
  valueOf(await again.openTask(opening));
  const view = present(await ledger.readTask(opening.task.id));
  expect(view.task.state).toMatchObject({ kind: "ended", outcome: "failed", reason: "why" });
  expect((await ledger.recordIntent(builders.recordIntent(opening.task.id))).kind).toBe("conflict");
});

it("and what it had is killed, although its task came back later", async () => {
  const { ledger, again, builders } = await scene();
  const opening = builders.openTask();
  await again.endTask({ ...end(opening.task.id), reason: null });
  valueOf(await again.openTask(opening));
  const intent = builders.recordIntent(opening.task.id);
  const { id } = intent.lease;
  valueOf(await again.recordIntent(intent));
  await drain(async () => valueOf(await ledger.expandKillOrders(500)).more);
  expect(present(await ledger.readLease(id)).lease.state.kind).toBe("revoking");
});

it("an end of a task that never was changes nothing for who opens it in the ordinary way", async () => {
  const { ledger, again, builders } = await scene();
  const other = builders.openTask();
  await again.endTask(end(other.task.id));
  await ledger.endTask(end(other.task.id));
  const opening = builders.openTask();
  await ledger.endTask(end(opening.task.id));
  expect(valueOf(await ledger.openTask(opening)).state.kind).toBe("open");
});

it("a child that comes back without its parent has a closed gate", async () => {
  const { ledger, again, builders } = await scene();
  const parent = builders.openTask();
  const child = builders.openTask({ parentId: parent.task.id, id: builders.ids.task(homeOfId(parent.task.id)) });
  valueOf(await again.openTask(child));
  expect((await ledger.recordIntent(builders.recordIntent(child.task.id))).kind).toBe("conflict");
});

it("a token that may be used once is acknowledged by a replica before its intent is recorded", async () => {
  const { ledger, builders } = await scene();
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const replay = { issuerUrl: "https://issuer.example", tokenId: "one", requestDigest: "d", expiresAt: 4e12 };
  await ledger.recordIntent({ ...builders.recordIntent(task.id), replay } as Parameters<Ledger["recordIntent"]>[0]);
  const names = world?.ran.map(({ name }) => name) ?? [];
  expect(names.indexOf("reserve_token")).toBeGreaterThan(-1);
  expect(names.indexOf("reserve_token")).toBeLessThan(names.indexOf("record_intent"));
});

it("tells of a door whether any node opened it after it was closed", async () => {
  world = await openRedisWorld(4);
  const [closing, opening] = [await world.node(), await world.node()];
  const door = { scope: { kind: "all" }, reason: "x", cause: operator } as const;
  const close = async (): Promise<number> => {
    const answer = await closing.ledger.closeDoor(door);
    return answer.kind === "ok" ? answer.sequence : -1;
  };
  const first = await close();
  expect(await isOpenedSince(closing.calls, door.scope, first)).toBe(false);
  valueOf(await opening.ledger.openDoor(door));
  expect(await isOpenedSince(closing.calls, door.scope, first)).toBe(true);
  const second = await close();
  expect(await isOpenedSince(closing.calls, door.scope, second), "closed again since").toBe(false);
});

it("a node of an older format does nothing beside a store that a newer one made anew", async () => {
  const { ledger, builders } = await scene();
  const node = await present(world ?? undefined).node();
  const task = valueOf(await ledger.openTask(builders.openTask()));
  const migrate = defineScript("migrate", [], `call('HSET', KEYS[1], 'v', ${storedFormat + 1}) return finish('ok')`);
  await node.calls.askAll(migrate, {});
  expect(await ledger.recordIntent(builders.recordIntent(task.id))).toMatchObject({ kind: "unknown" });
  expect(await ledger.endTask(end(task.id))).toMatchObject({ kind: "unknown" });
  await expect(ledger.health()).rejects.toThrow("NEWERFORMAT");
});
