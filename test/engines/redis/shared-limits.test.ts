/** Limits that count over many shards: several nodes at once, crashes between two steps, and what deaths give back. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { createOutbox, emptyOutbox } from "../../../src/engines/redis/across-shards/outbox.ts";
import { createReservations, type Holder } from "../../../src/engines/redis/across-shards/reservations.ts";
import { homeOfId, type TaskId } from "../../../src/kernel/ids.ts";
import { seconds } from "../../../src/kernel/time.ts";
import {
  broker,
  createBuilders,
  fingerprintOf,
  inOneHour,
  type Builders,
  type IntentWish,
} from "../../support/builders.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";
import { openRedis, type ShardedLedger } from "../../support/redis-harness.ts";
import { silentLog } from "../../support/silent.ts";
import { accepted, endOf, refused, valueOf } from "../../kit/ledger/bench.ts";

const shardCount = 8;
const agents = (max: number): LimitReservation => ({ limit: "liveLeasesPerAgent", counter: "agent:invoice-bot:", max });
const full = refused("limit_reached", { limit: "liveLeasesPerAgent" });

let clock: ManualClock;
let one: ShardedLedger;
let two: ShardedLedger;
/** Only looks at what is stored. */
let beside: ShardedLedger;
let builders: Builders;

beforeEach(async () => {
  clock = createManualClock();
  const options = { prefix: `limits-${randomBytes(6).toString("hex")}`, clock, shards: shardCount };
  [one, two, beside] = [await openRedis(options), await openRedis(options), await openRedis(options)];
  builders = createBuilders({ clock });
});
afterEach(async () => {
  await Promise.all([one, two, beside].map(({ ledger }) => ledger.close()));
});

const opened = async (): Promise<TaskId> => valueOf(await one.ledger.openTask(builders.openTask())).id;

const wanted = (taskId: TaskId, wish: IntentWish = {}) =>
  builders.recordIntent(taskId, { ...wish, lease: { id: builders.ids.lease(homeOfId(taskId)) } });

const intended = async (
  node: ShardedLedger,
  limits: readonly LimitReservation[],
  wish: IntentWish = {},
): Promise<Lease> => valueOf(await node.ledger.recordIntent(wanted(await opened(), { limits, ...wish }))).lease;

const failed = async (node: ShardedLedger, lease: Lease): Promise<void> =>
  valueOf(await node.ledger.failMint({ leaseId: lease.id, reason: "quota", cause: broker }));

const slotKey = ({ counter }: LimitReservation): string =>
  one.calls.shards.key(one.calls.shards.ofText(counter), "slots", counter);
const outboxes = () =>
  Promise.all(
    Array.from({ length: shardCount }, (_, shard) => beside.client.smembers(one.calls.shards.key(shard, "outbox"))),
  );

/** What a process does that dies between reserving and its intent. */
const reserveAndDie = (holder: Holder) =>
  createReservations({ calls: two.calls, outbox: createOutbox(two.calls, silentLog), log: silentLog }).reserve(
    [holder],
    null,
  );

describe("limits over many shards", () => {
  it("two nodes at once never let more through than the limit, and not one less", async () => {
    const limit = agents(10);
    const tasks = await Promise.all(Array.from({ length: 40 }, opened));
    const shards = new Set(tasks.map((id) => one.calls.shards.ofId(id)));
    expect(shards.size).toBeGreaterThan(4);
    const answers = await Promise.all(
      tasks.map((taskId, index) =>
        (index % 2 === 0 ? one : two).ledger.recordIntent(wanted(taskId, { limits: [limit] })),
      ),
    );
    const passed = answers.filter(({ kind }) => kind === "ok");
    expect(passed).toHaveLength(10);
    expect(answers.filter(({ kind }) => kind !== "ok")).toEqual(Array.from({ length: 30 }, () => full));
    expect(await beside.client.zcard(slotKey(limit))).toBe(10);
  });

  it("issue and death in turns on two nodes never go above the limit, and leave nothing behind", async () => {
    const limit = agents(3);
    const live = { now: 0, most: 0, ever: 0 };
    const round = async (node: ShardedLedger): Promise<void> => {
      const answer = await node.ledger.recordIntent(wanted(await opened(), { limits: [limit] }));
      if (answer.kind !== "ok") return;
      live.now += 1;
      live.ever += 1;
      live.most = Math.max(live.most, live.now);
      await Promise.resolve();
      live.now -= 1;
      await failed(node, answer.value.lease);
    };
    for (let turn = 0; turn < 10; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
      await Promise.all([one, two, one, two, one, two].map(round));
    }
    expect(live.most).toBeLessThanOrEqual(3);
    expect(live.ever).toBeGreaterThanOrEqual(10);
    await Promise.all([one.ledger.close(), two.ledger.close()]);
    expect(await beside.client.zcard(slotKey(limit))).toBe(0);
    expect((await outboxes()).flat()).toEqual([]);
  });

  it("a refusal elsewhere gives back what was taken: slot, rate and token", async () => {
    const limit = agents(1);
    const rate: LimitReservation = { limit: "pace", counter: "mints:template:x", max: 1, perSeconds: seconds(60) };
    const task = await opened();
    const replay = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(clock) };
    const first = { ...replay, requestDigest: fingerprintOf("first") };
    const none = builders.taskLimit(task, 0);
    const refusedOne = wanted(task, { limits: [limit, rate, none], replay: first });
    expect(await one.ledger.recordIntent(refusedOne)).toEqual(refused("limit_reached", { limit: none.limit }));
    const second = { ...replay, requestDigest: fingerprintOf("second") };
    const command = wanted(task, { limits: [limit, rate], replay: second });
    expect(await two.ledger.recordIntent(command)).toMatchObject(accepted);
    expect(await one.ledger.recordIntent(command), "a repeat takes nothing").toMatchObject(accepted);
    expect(await one.ledger.recordIntent(wanted(task, { replay: first }))).toEqual(refused("replayed"));
    expect(await beside.client.zcard(slotKey(limit))).toBe(1);
  });

  it("a token that one request used stays used, though the same request was refused once more", async () => {
    const task = await opened();
    const replay = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(clock) };
    const own = { ...replay, requestDigest: fingerprintOf("own") };
    expect(await one.ledger.recordIntent(wanted(task, { replay: own }))).toMatchObject(accepted);
    const again = wanted(task, { replay: own, limits: [builders.taskLimit(task, 0)] });
    expect(await two.ledger.recordIntent(again)).toMatchObject(refused("limit_reached"));
    const other = { ...replay, requestDigest: fingerprintOf("other") };
    expect(await two.ledger.recordIntent(wanted(task, { replay: other }))).toEqual(refused("replayed"));
  });

  it("a crash between reservation and intent burns one slot, until it lapses", async () => {
    const limit = agents(2);
    const ghost = builders.ids.lease();
    await reserveAndDie({ id: ghost, limits: [limit], holdMillis: 60_000 });
    await intended(one, [limit]);
    expect(await one.ledger.recordIntent(wanted(await opened(), { limits: [limit] }))).toEqual(full);
    clock.advance(59_999);
    expect(await two.ledger.recordIntent(wanted(await opened(), { limits: [limit] }))).toEqual(full);
    clock.advance(1);
    await intended(two, [limit]);
  });

  it("a slot whose intent was recorded does not lapse while its lease lives", async () => {
    const limit = agents(1);
    const lease = await intended(one, [limit]);
    clock.advance(10 * 24 * 3_600_000);
    const more = wanted(await opened(), { limits: [limit], demandKillPath: false });
    expect(await two.ledger.recordIntent(more)).toEqual(full);
    await failed(two, lease);
    expect(await two.ledger.recordIntent(more)).toMatchObject(accepted);
  });
});

describe("replacing over many shards", () => {
  it("the slot goes over to the replacement, and back where that is refused", async () => {
    const limit = agents(1);
    const task = await opened();
    const old = valueOf(await one.ledger.recordIntent(wanted(task, { limits: [limit] }))).lease;
    const blocked = wanted(task, { limits: [limit, builders.taskLimit(task, 0)], replaces: old.id });
    expect(await two.ledger.recordIntent(blocked)).toMatchObject(refused("limit_reached"));
    expect(await beside.client.zrange(slotKey(limit), "0", "-1", "WITHSCORES")).toEqual([old.id, "inf"]);
    const next = valueOf(await two.ledger.recordIntent(wanted(task, { limits: [limit], replaces: old.id }))).lease;
    expect(await beside.client.zrange(slotKey(limit), "0", "-1")).toEqual([next.id]);
    const third = wanted(task, { limits: [limit], replaces: next.id });
    expect(await one.ledger.recordIntent(third), "the first still lives").toEqual(full);
    await failed(one, old);
    expect(await one.ledger.recordIntent(third)).toMatchObject(accepted);
  });

  it("one place serves one replacement, whoever asks at once", async () => {
    const limit = agents(1);
    const task = await opened();
    const old = valueOf(await one.ledger.recordIntent(wanted(task, { limits: [limit] }))).lease;
    const rivals = [one, two, one, two].map((node) =>
      node.ledger.recordIntent(wanted(task, { limits: [limit], replaces: old.id })),
    );
    const answers = await Promise.all(rivals);
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(1);
    expect(await beside.client.zcard(slotKey(limit))).toBe(1);
  });

  it("a lease of another task hands nothing on", async () => {
    const limit = agents(1);
    const foreign = await intended(one, [limit]);
    const thief = wanted(await opened(), { limits: [limit], replaces: foreign.id });
    expect(await two.ledger.recordIntent(thief)).toEqual(refused("not_found"));
    expect(await beside.client.zrange(slotKey(limit), "0", "-1", "WITHSCORES")).toEqual([foreign.id, "inf"]);
  });
});

describe("the outbox", () => {
  it("two nodes that empty it at once free each slot, and only what is owed", async () => {
    const limit = agents(50);
    const task = await opened();
    const leases = await Promise.all(
      Array.from(
        { length: 20 },
        async () => valueOf(await one.ledger.recordIntent(wanted(task, { limits: [limit] }))).lease,
      ),
    );
    const shard = one.calls.shards.ofId(task);
    const owed = leases.slice(0, 15).map(({ id }) => `slot\n${limit.counter}\n${id}`);
    await beside.client.sadd(one.calls.shards.key(shard, "outbox"), ...owed);
    await Promise.all([emptyOutbox(one.calls, shard), emptyOutbox(two.calls, shard)]);
    expect((await outboxes()).flat()).toEqual([]);
    expect(new Set(await beside.client.zrange(slotKey(limit), "0", "-1"))).toEqual(
      new Set(leases.slice(15).map(({ id }) => id)),
    );
  });

  it("a sweep pays what a process that crashed has left", async () => {
    const limit = agents(1);
    const lease = await intended(one, [limit]);
    const shard = one.calls.shards.ofId(lease.id);
    await beside.client.sadd(one.calls.shards.key(shard, "outbox"), `slot\n${limit.counter}\n${lease.id}`);
    valueOf(await two.ledger.closeOverdueTasks(10));
    await two.ledger.close();
    expect((await outboxes()).flat()).toEqual([]);
    expect(await beside.client.zcard(slotKey(limit))).toBe(0);
  });

  it("pays more than a page", async () => {
    const limit = agents(5000);
    const shard = one.calls.shards.ofId(await opened());
    const ghosts = Array.from({ length: 1200 }, (_, index) => `lease-${index}`);
    await beside.client.zadd(slotKey(limit), ...ghosts.flatMap((id) => ["inf", id]));
    await beside.client.sadd(
      one.calls.shards.key(shard, "outbox"),
      ...ghosts.map((id) => `slot\n${limit.counter}\n${id}`),
    );
    await emptyOutbox(two.calls, shard);
    expect(await beside.client.zcard(slotKey(limit))).toBe(0);
    expect((await outboxes()).flat()).toEqual([]);
  });

  it("the end of a task gives back what it held as an open one", async () => {
    const limit: LimitReservation = { limit: "openTasks", counter: "agent:invoice-bot:tasks", max: 1 };
    const task = valueOf(await one.ledger.openTask(builders.openTask({ limits: [limit] })));
    expect(await two.ledger.openTask(builders.openTask({ limits: [limit] }))).toMatchObject(refused("limit_reached"));
    valueOf(await two.ledger.endTask(endOf(task.id)));
    expect(await two.ledger.openTask(builders.openTask({ limits: [limit] }))).toMatchObject(accepted);
  });
});

describe("fingerprints", () => {
  it("finds a lease from any node, believes no pointer that the lease does not confirm", async () => {
    const lease = await intended(one, []);
    const fingerprint = fingerprintOf("delivered");
    valueOf(await one.ledger.completeMint(builders.completeMint(lease, { fingerprint })));
    expect((await two.ledger.findLease(fingerprint))?.lease.id).toBe(lease.id);
    const stray = fingerprintOf("stray");
    await beside.client.set(one.calls.shards.key(one.calls.shards.ofText(stray), "print", stray), lease.id);
    expect(await two.ledger.findLease(stray)).toBeUndefined();
  });
});
