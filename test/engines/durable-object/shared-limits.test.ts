/** Limits that count over many shards: several processes at once, crashes between two steps, and what deaths give back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import { payOwed } from "../../../src/engines/durable-object/across-shards/settling.ts";
import { homeOfId } from "../../../src/kernel/ids.ts";
import { seconds } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { fingerprintOf, inOneHour } from "../../support/builders.ts";
import {
  afterItsTime,
  agents,
  dayMillis,
  full,
  openPlacesBench,
  type PlacesBench,
} from "../../support/places-bench.ts";
import { accepted, endOf, refused, valueOf } from "../../kit/ledger/bench.ts";

let at: PlacesBench;
beforeEach(() => {
  at = openPlacesBench();
});
afterEach(() => at.close());

describe("limits over many shards", () => {
  it("two processes at once never let more through than the limit, and not one less", async () => {
    const limit = agents(10);
    const tasks = await Promise.all(Array.from({ length: 40 }, () => at.opened()));
    expect(new Set(tasks.map((id) => at.shards().ofId(id))).size).toBeGreaterThan(4);
    const answers = await Promise.all(
      tasks.map((taskId, index) =>
        (index % 2 === 0 ? at.one : at.two).recordIntent(at.wanted(taskId, { limits: [limit] })),
      ),
    );
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(10);
    expect(answers.filter(({ kind }) => kind !== "ok")).toEqual(Array.from({ length: 30 }, () => full));
    expect(at.rowsOf("slot")).toHaveLength(10);
  });

  it("issue and death in turns never go above the limit, and leave nothing behind", async () => {
    const live = { now: 0, most: 0, ever: 0 };
    const round = async (ledger: Ledger): Promise<void> => {
      const answered = await at.ask(ledger, agents(3));
      if (answered.kind !== "ok") return;
      live.now += 1;
      live.ever += 1;
      live.most = Math.max(live.most, live.now);
      await Promise.resolve();
      live.now -= 1;
      await at.failed(ledger, answered.value.lease);
    };
    for (let turn = 0; turn < 10; turn += 1) {
      // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
      await Promise.all([at.one, at.two, at.one, at.two, at.one, at.two].map(round));
    }
    expect(live.most).toBeLessThanOrEqual(3);
    expect(live.ever).toBeGreaterThanOrEqual(10);
    await Promise.all(at.world.databases.map((_, shard) => payOwed(at.shards(), shard)));
    expect([at.rowsOf("slot"), at.rowsOf("owed"), at.rowsOf("counter")]).toEqual([[], [], []]);
  });

  it("a refusal at home gives back what was taken: place, rate and token", async () => {
    const pace: LimitReservation = { limit: "pace", counter: "template:x", max: 1, perSeconds: seconds(60) };
    const task = await at.opened();
    const token = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(at.world.clock) };
    const first = { ...token, requestDigest: fingerprintOf("first") };
    const none = at.builders.taskLimit(task, 0);
    const blocked = at.wanted(task, { limits: [agents(1), pace, none], replay: first });
    expect(await at.one.recordIntent(blocked)).toEqual(refused("limit_reached", { limit: none.limit }));
    const second = { ...token, requestDigest: fingerprintOf("second") };
    const command = at.wanted(task, { limits: [agents(1), pace], replay: second });
    expect(await at.two.recordIntent(command)).toMatchObject(accepted);
    expect(await at.one.recordIntent(command), "a repeat takes nothing").toMatchObject(accepted);
    expect(await at.one.recordIntent(at.wanted(task, { replay: first }))).toEqual(refused("replayed"));
    expect(at.rowsOf("slot")).toHaveLength(1);
    expect(at.rowsOf("replay")).toMatchObject([{ uses: 1 }]);
  });

  it("a token that one request used stays used, though the same request was refused once more", async () => {
    const task = await at.opened();
    const token = { issuerUrl: "https://issuer.example", tokenId: "t-1", expiresAt: inOneHour(at.world.clock) };
    const own = { ...token, requestDigest: fingerprintOf("own") };
    expect(await at.one.recordIntent(at.wanted(task, { replay: own }))).toMatchObject(accepted);
    const again = at.wanted(task, { replay: own, limits: [at.builders.taskLimit(task, 0)] });
    expect(await at.two.recordIntent(again)).toMatchObject(refused("limit_reached"));
    const other = at.wanted(await at.opened(), { replay: { ...token, requestDigest: fingerprintOf("other") } });
    expect(await at.two.recordIntent(other)).toEqual(refused("replayed"));
  });

  it("where a shard does not answer nothing is recorded, and what others gave is given back", async () => {
    const pace: LimitReservation = { limit: "pace", counter: "template:x", max: 1, perSeconds: seconds(60) };
    const [far, near] = [at.shards().ofText(pace.counter), at.shards().ofText(agents(1).counter)];
    expect(far).not.toBe(near);
    at.world.lose((verb, shard) => (verb === "reserve" && shard === far ? "refused" : "through"));
    const command = at.wanted(await at.opened(), { limits: [agents(1), pace] });
    expect(await at.one.recordIntent(command)).toMatchObject({ kind: "unknown" });
    expect(await at.one.readLease(command.lease.id)).toBeUndefined();
    expect(at.rowsOf("slot")).toEqual([]);
  });
});

describe("crashes", () => {
  it("between reservation and intent burn a place, until its time is over and its home was asked", async () => {
    at.world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await at.ask(at.one, agents(2))).toMatchObject({ kind: "unknown" });
    at.world.lose(null);
    await at.intended(at.one, [agents(2)]);
    expect(await at.ask(at.two, agents(2))).toEqual(full);
    await at.world.restart();
    at.world.clock.advance(afterItsTime - 1);
    expect(await at.ask(at.two, agents(2))).toEqual(full);
    at.world.clock.advance(1);
    expect(await at.ask(at.two, agents(2)), "the burnt one").toMatchObject(accepted);
    expect(await at.ask(at.two, agents(2)), "the other one lives").toEqual(full);
  });

  it.each(["answer lost", "not sure"] as const)(
    "with the %s lose no place: the lease holds it while it lives",
    async (way) => {
      const command = at.wanted(await at.opened(), { limits: [agents(1)] });
      at.world.lose((verb) => (verb === "recordShardIntent" ? way : "through"));
      expect(await at.one.recordIntent(command)).toMatchObject({ kind: "unknown" });
      at.world.lose(null);
      for (const span of [0, afterItsTime, 600_000, afterItsTime]) {
        at.world.clock.advance(span);
        // oxlint-disable-next-line no-await-in-loop -- in this order
        expect(await at.ask(at.two, agents(1))).toEqual(full);
      }
      expect(await at.one.recordIntent(command), "a repeat finds it").toMatchObject(accepted);
      await at.failed(at.one, command.lease);
      expect(await at.ask(at.one, agents(1))).toMatchObject(accepted);
    },
  );

  it("leave a request that is made again the place that it took", async () => {
    const command = at.wanted(await at.opened(), { limits: [agents(1)] });
    at.world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await at.one.recordIntent(command)).toMatchObject({ kind: "unknown" });
    at.world.lose(null);
    expect(await at.one.recordIntent(command)).toMatchObject(accepted);
    expect(at.rowsOf("slot")).toHaveLength(1);
  });

  it("a home that does not answer leaves the place held", async () => {
    const lease = await at.intended(at.one, [agents(1)]);
    at.world.clock.advance(afterItsTime);
    const home = at.shards().ofId(lease.id);
    at.world.lose((verb, shard) => (verb === "stillHeld" && shard === home ? "refused" : "through"));
    expect(await at.ask(at.two, agents(1))).toEqual(full);
  });

  it("before a death was paid for leave it owed, over a restart, until the shard pays", async () => {
    const lease = await at.intended(at.one, [agents(1)]);
    at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    await at.failed(at.one, lease);
    expect(await at.ask(at.one, agents(1))).toEqual(full);
    at.world.lose(null);
    await at.world.restart();
    expect(at.rowsOf("owed")).toHaveLength(1);
    await payOwed(at.shards(), at.shards().ofId(lease.id));
    expect([at.rowsOf("owed"), at.rowsOf("slot")]).toEqual([[], []]);
    expect(await at.ask(at.two, agents(1))).toMatchObject(accepted);
  });

  it("a shard whose death owes something is woken to pay, and says while it could not", async () => {
    const lease = await at.intended(at.one, [agents(1)]);
    const rung: number[] = [];
    at.one.onDue((dueAt) => rung.push(dueAt));
    at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    await at.failed(at.one, lease);
    expect(rung).toEqual([at.world.clock.now()]);
    expect(await payOwed(at.shards(), at.shards().ofId(lease.id))).toBe(false);
    at.world.lose(null);
    expect(await payOwed(at.shards(), at.shards().ofId(lease.id))).toBe(true);
  });

  it("a payment whose answer was lost is made again, and counts once", async () => {
    const [lease, other] = [await at.intended(at.one, [agents(2)]), await at.intended(at.one, [agents(2)])];
    at.world.lose((verb) => (verb === "giveBack" ? "answer lost" : "through"));
    await at.failed(at.one, lease);
    await at.ask(at.one, agents(2));
    at.world.lose(null);
    await payOwed(at.shards(), at.shards().ofId(lease.id));
    expect(at.rowsOf("slot")).toHaveLength(2);
    await at.failed(at.two, other);
    await at.intended(at.two, [agents(2)]);
    expect(await at.ask(at.two, agents(2))).toEqual(full);
  });

  it("a payment of many is made in pages", async () => {
    const task = await at.opened();
    const limits = [agents(500)];
    const leases = await Promise.all(
      Array.from({ length: 230 }, async () => valueOf(await at.one.recordIntent(at.wanted(task, { limits }))).lease),
    );
    at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    await Promise.all(leases.map((lease) => at.failed(at.two, lease)));
    expect(await at.ask(at.two, agents(230)), "waits for what could not be paid").toEqual(full);
    at.world.lose(null);
    expect(at.rowsOf("owed")).toHaveLength(230);
    await payOwed(at.shards(), at.shards().ofId(task));
    expect([at.rowsOf("owed"), at.rowsOf("slot")]).toEqual([[], []]);
  });
});

it("the end of a task gives back what it held as an open one", async () => {
  const limit: LimitReservation = { limit: "openTasks", counter: "agent:invoice-bot:tasks", max: 1 };
  const open = (ledger: Ledger) => ledger.openTask(at.builders.openTask({ limits: [limit] }));
  const task = valueOf(await open(at.one));
  expect(await open(at.two)).toMatchObject(refused("limit_reached"));
  at.world.clock.advance(3_600_000 + dayMillis);
  expect(await open(at.two), "past its deadline and not ended").toMatchObject(refused("limit_reached"));
  valueOf(await at.two.endTask(endOf(task.id)));
  expect(await open(at.two)).toMatchObject(accepted);
});

it("what died or ended and was never paid for is found out when its time is over", async () => {
  const limit: LimitReservation = { limit: "openTasks", counter: "agent:invoice-bot:tasks", max: 2 };
  const task = valueOf(await at.one.openTask(at.builders.openTask({ limits: [limit] })));
  // Its home counts this one under the same name.
  const beside = at.builders.openTask({ id: at.builders.ids.task(homeOfId(task.id)), limits: [limit] });
  valueOf(await at.one.openTask(beside));
  const lease = valueOf(await at.one.recordIntent(at.wanted(task.id, { limits: [agents(1)] }))).lease;
  at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
  await at.failed(at.one, lease);
  valueOf(await at.one.endTask(endOf(task.id)));
  expect(await at.ask(at.one, agents(1))).toEqual(full);
  at.world.lose(null);
  at.world.clock.advance(3_600_000 + dayMillis);
  expect(await at.ask(at.two, agents(1))).toMatchObject(accepted);
  const open = () => at.two.openTask(at.builders.openTask({ limits: [limit] }));
  expect(await open()).toMatchObject(accepted);
  expect(await open(), "the one beside is open").toMatchObject(refused("limit_reached"));
});
