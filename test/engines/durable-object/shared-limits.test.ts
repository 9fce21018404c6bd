/** Limits that count over many shards: several processes at once, crashes between two steps, and what deaths give back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { createShards } from "../../../src/engines/durable-object/across-shards/shards.ts";
import { payOwed } from "../../../src/engines/durable-object/across-shards/settling.ts";
import type { LeaseId, TaskId } from "../../../src/kernel/ids.ts";
import { seconds } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import {
  broker,
  createBuilders,
  fingerprintOf,
  inOneHour,
  type Builders,
  type IntentWish,
} from "../../support/builders.ts";
import { openShardWorld, type ShardWorld } from "../../support/sharded-harness.ts";
import { accepted, endOf, refused, valueOf } from "../../kit/ledger/bench.ts";

const agents = (max: number): LimitReservation => ({ limit: "liveLeasesPerAgent", counter: "agent:invoice-bot", max });
const full = refused("limit_reached", { limit: "liveLeasesPerAgent" });
const dayMillis = 24 * 3_600_000;
/** When an intent of the builders may be asked for: its worst end, and a day. */
const afterItsTime = 600_000 + dayMillis;

let world: ShardWorld;
let one: Ledger;
let two: Ledger;
let builders: Builders;

beforeEach(() => {
  world = openShardWorld(8);
  [one, two] = [world.process(), world.process()];
  builders = createBuilders({ clock: world.clock });
});
afterEach(async () => {
  await Promise.all([one, two].map((ledger) => ledger.close()));
  await world.close();
});

const shards = () => createShards(world.wired());
const opened = async (): Promise<TaskId> =>
  valueOf(await one.openTask(builders.openTask({ deadlineSeconds: 7 * 24 * 3600 }))).id;
/** Whether the kills of a target are late is none of these tests' business. */
const wanted = (taskId: TaskId, wish: IntentWish = {}) =>
  builders.recordIntent(taskId, { demandKillPath: false, ...wish });
const intended = async (ledger: Ledger, limits: readonly LimitReservation[], wish: IntentWish = {}): Promise<Lease> =>
  valueOf(await ledger.recordIntent(wanted(await opened(), { limits, ...wish }))).lease;
const ask = async (ledger: Ledger, ...limits: readonly LimitReservation[]) =>
  ledger.recordIntent(wanted(await opened(), { limits }));
const failed = async (ledger: Ledger, { id }: { id: LeaseId }): Promise<void> =>
  valueOf(await ledger.failMint({ leaseId: id, reason: "quota", cause: broker }));

/** Rows of a table in all shards. */
const rowsOf = (table: "slot" | "owed" | "counter" | "replay"): readonly unknown[] =>
  world.databases.flatMap((db) => db.prepare(`SELECT * FROM ${table}`).all());

describe("limits over many shards", () => {
  it("two processes at once never let more through than the limit, and not one less", async () => {
    const limit = agents(10);
    const tasks = await Promise.all(Array.from({ length: 40 }, opened));
    expect(new Set(tasks.map((id) => shards().ofId(id))).size).toBeGreaterThan(4);
    const answers = await Promise.all(
      tasks.map((taskId, index) => (index % 2 === 0 ? one : two).recordIntent(wanted(taskId, { limits: [limit] }))),
    );
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(10);
    expect(answers.filter(({ kind }) => kind !== "ok")).toEqual(Array.from({ length: 30 }, () => full));
    expect(rowsOf("slot")).toHaveLength(10);
  });

  it("issue and death in turns never go above the limit, and leave nothing behind", async () => {
    const live = { now: 0, most: 0, ever: 0 };
    const round = async (ledger: Ledger): Promise<void> => {
      const answered = await ask(ledger, agents(3));
      if (answered.kind !== "ok") return;
      live.now += 1;
      live.ever += 1;
      live.most = Math.max(live.most, live.now);
      await Promise.resolve();
      live.now -= 1;
      await failed(ledger, answered.value.lease);
    };
    for (let turn = 0; turn < 10; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
      await Promise.all([one, two, one, two, one, two].map(round));
    }
    expect(live.most).toBeLessThanOrEqual(3);
    expect(live.ever).toBeGreaterThanOrEqual(10);
    await Promise.all([one, two].map((ledger) => ledger.close()));
    await world.restart();
    expect([rowsOf("slot"), rowsOf("owed"), rowsOf("counter")]).toEqual([[], [], []]);
  });

  it("a refusal at home gives back what was taken: place, rate and token", async () => {
    const pace: LimitReservation = { limit: "pace", counter: "template:x", max: 1, perSeconds: seconds(60) };
    const task = await opened();
    const token = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(world.clock) };
    const first = { ...token, requestDigest: fingerprintOf("first") };
    const none = builders.taskLimit(task, 0);
    const blocked = wanted(task, { limits: [agents(1), pace, none], replay: first });
    expect(await one.recordIntent(blocked)).toEqual(refused("limit_reached", { limit: none.limit }));
    const second = { ...token, requestDigest: fingerprintOf("second") };
    const command = wanted(task, { limits: [agents(1), pace], replay: second });
    expect(await two.recordIntent(command)).toMatchObject(accepted);
    expect(await one.recordIntent(command), "a repeat takes nothing").toMatchObject(accepted);
    expect(await one.recordIntent(wanted(task, { replay: first }))).toEqual(refused("replayed"));
    expect(rowsOf("slot")).toHaveLength(1);
    expect(rowsOf("replay")).toMatchObject([{ uses: 1 }]);
  });

  it("a token that one request used stays used, though the same request was refused once more", async () => {
    const task = await opened();
    const token = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(world.clock) };
    const own = { ...token, requestDigest: fingerprintOf("own") };
    expect(await one.recordIntent(wanted(task, { replay: own }))).toMatchObject(accepted);
    const again = wanted(task, { replay: own, limits: [builders.taskLimit(task, 0)] });
    expect(await two.recordIntent(again)).toMatchObject(refused("limit_reached"));
    const other = wanted(await opened(), { replay: { ...token, requestDigest: fingerprintOf("other") } });
    expect(await two.recordIntent(other)).toEqual(refused("replayed"));
  });

  it("where a shard does not answer nothing is recorded, and what others gave is given back", async () => {
    const pace: LimitReservation = { limit: "pace", counter: "template:x", max: 1, perSeconds: seconds(60) };
    const [far, near] = [shards().ofText(pace.counter), shards().ofText(agents(1).counter)];
    expect(far).not.toBe(near);
    world.lose((verb, shard) => (verb === "reserve" && shard === far ? "refused" : "through"));
    const command = wanted(await opened(), { limits: [agents(1), pace] });
    expect(await one.recordIntent(command)).toMatchObject({ kind: "unknown" });
    expect(await one.readLease(command.lease.id)).toBeUndefined();
    expect(rowsOf("slot")).toEqual([]);
  });
});

describe("crashes", () => {
  it("between reservation and intent burn a place, until its time is over and its home was asked", async () => {
    world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await ask(one, agents(2))).toMatchObject({ kind: "unknown" });
    world.lose(null);
    await intended(one, [agents(2)]);
    expect(await ask(two, agents(2))).toEqual(full);
    await world.restart();
    world.clock.advance(afterItsTime - 1);
    expect(await ask(two, agents(2))).toEqual(full);
    world.clock.advance(1);
    expect(await ask(two, agents(2)), "the burnt one").toMatchObject(accepted);
    expect(await ask(two, agents(2)), "the other one lives").toEqual(full);
  });

  it("that lose only the answer lose no place: the lease holds it, however long it lives", async () => {
    const command = wanted(await opened(), { limits: [agents(1)] });
    world.lose((verb) => (verb === "recordShardIntent" ? "answer lost" : "through"));
    expect(await one.recordIntent(command)).toMatchObject({ kind: "unknown" });
    world.lose(null);
    for (const millis of [0, afterItsTime, 600_000, afterItsTime]) {
      world.clock.advance(millis);
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expect(await ask(two, agents(1))).toEqual(full);
    }
    expect(await one.recordIntent(command), "a repeat finds it").toMatchObject(accepted);
    await failed(one, command.lease);
    expect(await ask(one, agents(1))).toMatchObject(accepted);
  });

  it("a home that does not answer leaves the place held", async () => {
    const lease = await intended(one, [agents(1)]);
    world.clock.advance(afterItsTime);
    const home = shards().ofId(lease.id);
    world.lose((verb, shard) => (verb === "stillHeld" && shard === home ? "refused" : "through"));
    expect(await ask(two, agents(1))).toEqual(full);
  });

  it("before a death was paid for leave it owed, over a restart, until the shard pays", async () => {
    const lease = await intended(one, [agents(1)]);
    world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    await failed(one, lease);
    expect(await ask(one, agents(1))).toEqual(full);
    world.lose(null);
    await world.restart();
    expect(rowsOf("owed")).toHaveLength(1);
    await payOwed(shards(), shards().ofId(lease.id));
    expect([rowsOf("owed"), rowsOf("slot")]).toEqual([[], []]);
    expect(await ask(two, agents(1))).toMatchObject(accepted);
  });

  it("a payment whose answer was lost is made again, and counts once", async () => {
    const [lease, other] = [await intended(one, [agents(2)]), await intended(one, [agents(2)])];
    world.lose((verb) => (verb === "giveBack" ? "answer lost" : "through"));
    await failed(one, lease);
    await ask(one, agents(2));
    world.lose(null);
    await payOwed(shards(), shards().ofId(lease.id));
    expect(rowsOf("slot")).toHaveLength(2);
    await failed(two, other);
    await intended(two, [agents(2)]);
    expect(await ask(two, agents(2))).toEqual(full);
  });

  it("a payment of many is made in pages", async () => {
    const task = await opened();
    const limits = [agents(500)];
    const leases = await Promise.all(
      Array.from({ length: 230 }, async () => valueOf(await one.recordIntent(wanted(task, { limits }))).lease),
    );
    world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    await Promise.all(leases.map((lease) => failed(two, lease)));
    expect(await ask(two, agents(230)), "waits for what could not be paid").toEqual(full);
    world.lose(null);
    expect(rowsOf("owed")).toHaveLength(230);
    await payOwed(shards(), shards().ofId(task));
    expect([rowsOf("owed"), rowsOf("slot")]).toEqual([[], []]);
  });
});

describe("replacing over many shards", () => {
  const replaced = async (ledger: Ledger, old: Lease, ...more: readonly LimitReservation[]) =>
    ledger.recordIntent(wanted(old.taskId, { limits: [agents(1), ...more], replaces: old.id }));

  it("the place goes over to the replacement, and stays where that is refused", async () => {
    const old = await intended(one, [agents(1)]);
    const blocked = await replaced(two, old, builders.taskLimit(old.taskId, 0));
    expect(blocked).toMatchObject(refused("limit_reached"));
    expect(rowsOf("slot")).toMatchObject([{ owner: old.id, rides_on: null }]);
    const next = valueOf(await replaced(two, old)).lease;
    expect(await replaced(two, next), "the first still lives").toEqual(full);
    expect(rowsOf("slot")).toMatchObject([{ owner: next.id, rides_on: null }]);
    await failed(one, old);
    expect(await replaced(one, next)).toMatchObject(accepted);
    expect(await ask(one, agents(1))).toEqual(full);
  });

  it("one place serves one replacement, whoever asks at once", async () => {
    const old = await intended(one, [agents(1)]);
    const answers = await Promise.all([one, two, one, two].map((ledger) => replaced(ledger, old)));
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(1);
    await ask(one, agents(1));
    expect(rowsOf("slot")).toHaveLength(1);
  });

  it("a lease of another task hands nothing on", async () => {
    const foreign = await intended(one, [agents(1)]);
    const thief = wanted(await opened(), { limits: [agents(1)], replaces: foreign.id });
    expect(await two.recordIntent(thief)).toEqual(refused("not_found"));
    expect(rowsOf("slot")).toMatchObject([{ owner: foreign.id, rides_on: null }]);
  });

  it("a crash before the replacement was recorded never frees the place of what lives", async () => {
    const old = await intended(one, [agents(1)]);
    world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await replaced(one, old)).toMatchObject({ kind: "unknown" });
    world.lose(null);
    world.clock.advance(afterItsTime);
    expect(await ask(two, agents(1)), "the old one lives").toEqual(full);
    await failed(two, old);
    expect(await ask(two, agents(1)), "nothing is left").toMatchObject(accepted);
  });

  it("a replacement counts when what it replaced has died first", async () => {
    const old = await intended(one, [agents(1)]);
    const next = valueOf(await replaced(one, old)).lease;
    await failed(one, old);
    expect(await ask(one, agents(1))).toEqual(full);
    await failed(one, next);
    expect(await ask(one, agents(1))).toMatchObject(accepted);
  });
});

it("the end of a task gives back what it held as an open one", async () => {
  const limit: LimitReservation = { limit: "openTasks", counter: "agent:invoice-bot:tasks", max: 1 };
  const open = (ledger: Ledger) => ledger.openTask(builders.openTask({ limits: [limit] }));
  const task = valueOf(await open(one));
  expect(await open(two)).toMatchObject(refused("limit_reached"));
  world.clock.advance(3_600_000 + dayMillis);
  expect(await open(two), "past its deadline and not ended").toMatchObject(refused("limit_reached"));
  valueOf(await two.endTask(endOf(task.id)));
  expect(await open(two)).toMatchObject(accepted);
});

it("room at a target that a crash took is given back, and that of a denied lease is not", async () => {
  const room = { capacity: 1, worstCaseSeconds: 60 };
  world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
  expect(await one.recordIntent(wanted(await opened(), room))).toMatchObject({ kind: "unknown" });
  world.lose(null);
  world.clock.advance(60_000 + dayMillis);
  await intended(two, [], { ...room, worstCaseSeconds: 7 * 24 * 3600 });
  world.clock.advance(2 * dayMillis);
  expect(await two.recordIntent(wanted(await opened(), room))).toEqual(refused("limit_reached", { limit: "capacity" }));
});
