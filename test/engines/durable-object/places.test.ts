/** Places that change hands over many shards, and room at a target, which outlives its lease. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LimitReservation } from "../../../src/domain/limit.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { payOwed } from "../../../src/engines/durable-object/across-shards/settling.ts";
import { addMillis, millis } from "../../../src/kernel/time.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { broker, ledgerTarget, type IntentWish } from "../../support/builders.ts";
import {
  afterItsTime,
  agents,
  dayMillis,
  full,
  openPlacesBench,
  type PlacesBench,
} from "../../support/places-bench.ts";
import { accepted, refused, valueOf } from "../../kit/ledger/bench.ts";

let at: PlacesBench;
beforeEach(() => {
  at = openPlacesBench();
});
afterEach(() => at.close());

describe("replacing over many shards", () => {
  const replaced = async (ledger: Ledger, old: Lease, ...more: readonly LimitReservation[]) =>
    ledger.recordIntent(at.wanted(old.taskId, { limits: [agents(1), ...more], replaces: old.id }));

  it("the place goes over to the replacement, and stays where that is refused", async () => {
    const old = await at.intended(at.one, [agents(1)]);
    const blocked = await replaced(at.two, old, at.builders.taskLimit(old.taskId, 0));
    expect(blocked).toMatchObject(refused("limit_reached"));
    expect(at.rowsOf("slot")).toMatchObject([{ owner: old.id, rides_on: null }]);
    const next = valueOf(await replaced(at.two, old)).lease;
    expect(await replaced(at.two, next), "the first still lives").toEqual(full);
    expect(at.rowsOf("slot")).toMatchObject([{ owner: next.id, rides_on: null }]);
    await at.failed(at.one, old);
    expect(await replaced(at.one, next)).toMatchObject(accepted);
    expect(await at.ask(at.one, agents(1))).toEqual(full);
  });

  it("a repeat of the intent that was replaced takes no place again", async () => {
    const command = at.wanted(await at.opened(), { limits: [agents(2)] });
    const old = valueOf(await at.one.recordIntent(command)).lease;
    const next = valueOf(await replaced(at.one, old)).lease;
    expect(await at.one.recordIntent(command)).toMatchObject(accepted);
    expect(at.rowsOf("slot")).toMatchObject([{ owner: next.id }]);
    expect(await at.ask(at.two, agents(2))).toMatchObject(accepted);
  });

  it("one place serves one replacement, whoever asks at once", async () => {
    const old = await at.intended(at.one, [agents(1)]);
    const answers = await Promise.all([at.one, at.two, at.one, at.two].map((ledger) => replaced(ledger, old)));
    expect(answers.filter(({ kind }) => kind === "ok")).toHaveLength(1);
    await at.ask(at.one, agents(1));
    expect(at.rowsOf("slot")).toHaveLength(1);
  });

  it("a lease of another task hands nothing on", async () => {
    const foreign = await at.intended(at.one, [agents(1)]);
    const thief = at.wanted(await at.opened(), { limits: [agents(1)], replaces: foreign.id });
    expect(await at.two.recordIntent(thief)).toEqual(refused("not_found"));
    expect(at.rowsOf("slot")).toMatchObject([{ owner: foreign.id, rides_on: null }]);
  });

  it("a crash before the replacement was recorded never frees the place of what lives", async () => {
    const old = await at.intended(at.one, [agents(1)]);
    at.world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await replaced(at.one, old)).toMatchObject({ kind: "unknown" });
    at.world.lose(null);
    at.world.clock.advance(afterItsTime);
    expect(await at.ask(at.two, agents(1)), "the old one lives").toEqual(full);
    await at.failed(at.two, old);
    expect(await at.ask(at.two, agents(1)), "nothing is left").toMatchObject(accepted);
  });

  it("a chain whose middle is given back before its first still counts its last", async () => {
    const first = await at.intended(at.one, [agents(1)]);
    at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    const middle = valueOf(await replaced(at.one, first)).lease;
    await at.failed(at.one, first);
    const last = valueOf(await replaced(at.one, middle)).lease;
    await at.failed(at.one, middle);
    expect(await at.ask(at.one, agents(1))).toEqual(full);
    at.world.lose(null);
    const keeper = at.shards().at(at.shards().ofText(agents(1).counter));
    const places = [{ counter: agents(1).counter, owner: middle.id, holdUntil: 0 }];
    valueOf(await keeper.giveBack({ places, windows: [], token: null }));
    await payOwed(at.shards(), at.shards().ofId(first.id));
    expect(at.rowsOf("slot")).toMatchObject([{ owner: last.id, rides_on: null }]);
    expect(await at.ask(at.one, agents(1))).toEqual(full);
    await at.failed(at.one, last);
    expect(await at.ask(at.one, agents(1))).toMatchObject(accepted);
  });

  it("a replacement counts when what it replaced has died first", async () => {
    const old = await at.intended(at.one, [agents(1)]);
    const next = valueOf(await replaced(at.one, old)).lease;
    await at.failed(at.one, old);
    expect(await at.ask(at.one, agents(1))).toEqual(full);
    await at.failed(at.one, next);
    expect(await at.ask(at.one, agents(1))).toMatchObject(accepted);
  });
});

describe("room at a target over many shards", () => {
  const noRoom = refused("limit_reached", { limit: "capacity" });
  const room = (capacity: number): IntentWish => ({ capacity, worstCaseSeconds: 60 });

  it("that a crash took is given back, and that of a lease is not", async () => {
    at.world.lose((verb) => (verb === "recordShardIntent" ? "refused" : "through"));
    expect(await at.one.recordIntent(at.wanted(await at.opened(), room(1)))).toMatchObject({ kind: "unknown" });
    at.world.lose(null);
    at.world.clock.advance(60_000 + dayMillis);
    await at.intended(at.two, [], room(1));
    at.world.clock.advance(2 * dayMillis);
    expect(await at.two.recordIntent(at.wanted(await at.opened(), room(1)))).toEqual(noRoom);
  });

  it("is never handed on to a replacement", async () => {
    const old = await at.intended(at.one, [], room(2));
    valueOf(await at.one.recordIntent(at.wanted(old.taskId, { ...room(2), replaces: old.id })));
    for (let count = 0; count < 8; count += 1) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expect(await at.one.recordIntent(at.wanted(await at.opened(), room(2)))).toEqual(noRoom);
    }
  });

  it("stays taken after a kill that was not paid for, while the credential must be denied", async () => {
    const { lease } = valueOf(await at.one.recordIntent(at.wanted(await at.opened(), room(1))));
    const nativeExpiresAt = addMillis(lease.createdAt, 3 * dayMillis);
    valueOf(await at.one.completeMint(at.builders.completeMint(lease, { nativeExpiresAt })));
    at.world.lose((verb) => (verb === "giveBack" ? "refused" : "through"));
    const claim = { target: ledgerTarget, limit: 1, claim: millis(30_000), fence: "f" };
    valueOf(await at.one.makeDue({ leaseId: lease.id, killCause: "requested", delay: millis(0), cause: broker }));
    expect(valueOf(await at.one.claimDue(claim))).toHaveLength(1);
    const outcome = { kind: "dead-unverified" } as const;
    valueOf(await at.one.recordVerdict({ leaseId: lease.id, fence: "f", outcome, jitter: 0 }));
    expect(await at.one.recordIntent(at.wanted(await at.opened(), room(1)))).toEqual(noRoom);
    at.world.lose(null);
    at.world.clock.advance(60_000 + dayMillis);
    expect(await at.two.recordIntent(at.wanted(await at.opened(), room(1)))).toEqual(noRoom);
    at.world.clock.advance(3 * dayMillis);
    expect(await at.two.recordIntent(at.wanted(await at.opened(), room(1)))).toMatchObject(accepted);
  });
});
