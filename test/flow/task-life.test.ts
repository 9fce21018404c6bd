/**
 * A task's life as its people see it: what closes the gate, what a report says, what the audit tells. Time here is the
 * real one; waits end at what they wait for.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstBrokenEntry } from "../support/flow/audit-chain.ts";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { isOnWorkers } from "../support/ledger-kind.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

const read = (task: string, as = "planner") => world.send("GET", `/tasks/${task}`, { as });
const beat = (task: string, as = "bot") => world.send("POST", `/tasks/${task}/heartbeat`, { as });

/** Until an exchange is refused as that of an ended task; in the last second only the lifetime is too short. */
const untilClosed = (task: string) =>
  eventually("the gate closes", async () => {
    const { status, body } = await world.exchange({ task, template: "report" });
    // What the deadline overtakes on its way is told so; the next one finds the gate closed.
    const isOpen = status === 200 || ["ttl_not_possible", "over_before_answer"].includes(body.reason ?? "");
    return isOpen ? undefined : { reason: body.reason, at: Date.now() };
  });

const untilDead = (token: string) =>
  eventuallyTrue("the credential is dead where it is used", async () => !(await world.isUsable(token)));

describe("an ordinary end", () => {
  it("kills what was used, tells each verdict, and leaves an audit that reads like the story", async () => {
    const task = await world.openTask({ purpose: "close the books", ticket: "FIN-7" });
    const opaque = await world.issue({ task, template: "ledger-read" });
    const own = await world.issue({ task, template: "report" });
    expect([await world.isUsable(opaque.token), await world.isUsable(own.token)]).toEqual([true, true]);

    const ended = await world.end(task);
    expect(ended.status).toBe(200);
    expect(ended.headers.get("preference-applied")).toBe("wait=20");
    expect(ended.body).toMatchObject({ task_id: task, state: "ended", outcome: "completed" });
    expect(ended.body.summary).toMatchObject({ live: 0, dead: 2, stuck: 0 });
    // The OAuth server confirmed and was asked again; for its own token the broker's word is the only one.
    expect(ended.body.leases?.map(({ template, verdict }) => [template, verdict])).toEqual([
      ["ledger-read", "dead-verified"],
      ["report", "dead-unverified"],
    ]);
    expect([await world.isUsable(opaque.token), await world.isUsable(own.token)]).toEqual([false, false]);
    expect((await untilClosed(task)).reason).toBe("task_ended");

    const types = (await world.audit(task)).map(({ type }) => type);
    expect(types.filter((type) => type !== "lease.attempted" && type !== "kill.expanded")).toEqual([
      "task.opened",
      "lease.intended",
      "lease.activated",
      "lease.intended",
      "lease.activated",
      "task.ended",
      ...types.filter((type) => type === "lease.due"),
      "lease.revoked",
      "lease.revoked",
      "request.refused",
    ]);
    const [opened] = await world.audit(task);
    expect(opened).toMatchObject({ actor: "orchestrator:planner", task_id: task });
  });

  it("the first end wins, and a repeat reads it", async () => {
    const task = await world.openTask();
    const first = await world.end(task, { as: "bot", outcome: "failed" });
    const second = await world.end(task, { outcome: "completed" });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.outcome).toBe("failed");
    const ends = (await world.audit(task)).filter(({ type }) => type === "task.ended");
    expect(ends.map(({ data }) => data["outcome"])).toEqual(["failed"]);
  });

  it.each([
    ["wait=0", "wait=0"],
    ["wait=3", "wait=3"],
    ["wait=500", "wait=30"],
    ["respond-async, wait=2", "wait=2"],
    ["wait=soon", null],
  ])("Prefer: %s is answered with %s", async (prefer, applied) => {
    const task = await world.openTask();
    await world.end(task, { waitSeconds: 0 });
    const answer = await world.send("POST", `/tasks/${task}/end`, {
      as: "planner",
      json: { outcome: "completed" },
      headers: { prefer },
    });
    expect(answer.headers.get("preference-applied")).toBe(applied);
  });

  it("Prefer: wait on reading answers at the next change, and not before", async () => {
    const task = await world.openTask();
    let isAnswered = false;
    const reading = world
      .send("GET", `/tasks/${task}`, { as: "planner", headers: { prefer: "wait=20" } })
      .finally(() => (isAnswered = true));
    // Something else goes on meanwhile, and does not wake the reader.
    await world.openTask();
    expect(isAnswered).toBe(false);
    await world.end(task, { waitSeconds: 0 });
    expect((await reading).body.state).toBe("ended");
  });

  it("a report of more than 200 credentials comes in pages, complete", async () => {
    const task = await world.openTask();
    const wanted = 205;
    const leases = new Set<string>();
    for (let count = 0; count < wanted; count += 41)
      for (const { lease } of await Promise.all(
        Array.from({ length: 41 }, () => world.issue({ task, template: "report" })),
      ))
        leases.add(lease);
    const ended = await world.end(task);
    expect(ended.body.leases).toHaveLength(200);
    expect(ended.body.next).toBeDefined();
    expect(ended.body.summary).toMatchObject({ live: 0, dead: wanted });
    const all = await world.leasesOf(task);
    expect(new Set(all.map(({ lease_id }) => lease_id))).toEqual(leases);
    expect(all.every(({ state }) => state === "revoked")).toBe(true);
  });

  it("a credential that nobody can revoke is said to be usable, until when it is", async () => {
    const task = await world.openTask();
    await world.issue({ task, template: "offline" });
    const ended = await world.end(task, { waitSeconds: 1 });
    const [line] = ended.body.leases ?? [];
    expect(line).toMatchObject({ state: "revoking", verdict: "usable-until" });
    const left = Date.parse(line?.usable_until ?? "") - Date.now();
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(60_000);
    expect(ended.body.summary).toMatchObject({ live: 1, dead: 0 });
  });
});

describe("an end that nobody asked for", () => {
  it("the deadline closes the gate and kills", async () => {
    const task = await world.openTask({ deadline_seconds: 3 });
    const { token } = await world.issue({ task, template: "ledger-read" });
    expect(await world.isUsable(token)).toBe(true);
    const deadline = Date.parse((await read(task)).body.deadline_at ?? "");
    const closed = await untilClosed(task);
    expect(closed.reason).toBe("task_ended");
    expect(closed.at).toBeGreaterThanOrEqual(deadline);
    await untilDead(token);
    expect((await read(task)).body).toMatchObject({ state: "ended", outcome: "deadline" });
  });

  it("lost heartbeats close the gate and kill; a late one revives nothing", async () => {
    const task = await world.openTask({ heartbeat_seconds: 2 });
    const { token } = await world.issue({ task, template: "ledger-read" });
    expect((await untilClosed(task)).reason).toBe("task_ended");
    const late = await beat(task);
    expect([late.status, late.body.reason]).toEqual([409, "task_ended"]);
    await untilDead(token);
    expect((await read(task)).body).toMatchObject({ state: "ended", outcome: "heartbeat_lost" });
    expect((await beat(task)).status).toBe(409);
    expect((await world.exchange({ task, template: "report" })).status).toBe(400);
  });

  it("heartbeats keep a task open past its first silence, and never move its deadline", async () => {
    const task = await world.openTask({ heartbeat_seconds: 2, deadline_seconds: 5 });
    const before = (await read(task)).body;
    const deadline = before.deadline_at;
    const firstDue = Date.parse(before.heartbeat_due_at ?? "");
    let last = 0;
    await eventuallyTrue("two intervals pass", async () => {
      const { status, body } = await beat(task);
      expect([status, body.deadline_at]).toEqual([200, deadline]);
      last = Date.parse(body.heartbeat_due_at ?? "");
      return Date.now() > firstDue + 500;
    });
    expect(last).toBeGreaterThan(firstDue);
    // Beating on, the deadline comes all the same.
    const refused = await eventually("a heartbeat is refused", async () => {
      const answer = await beat(task);
      return answer.status === 200 ? undefined : answer;
    });
    expect(refused.status).toBe(409);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(deadline ?? ""));
    const ended = await eventually("the end is recorded", async () => {
      const { body } = await read(task);
      return body.state === "ended" ? body : undefined;
    });
    expect(ended.outcome).toBe("deadline");
  });

  it.each([
    ["agent", "bot", 200],
    ["agent", "planner", 403],
    ["orchestrator", "planner", 200],
    ["orchestrator", "bot", 403],
    ["both", "bot", 200],
    ["both", "planner", 200],
  ])("heartbeat_from %s: %s gets %s", async (from, as, status) => {
    const task = await world.openTask({ heartbeat_seconds: 60, heartbeat_from: from });
    expect((await beat(task, as)).status).toBe(status);
  });

  it("a credential's own bound kills it while its task goes on", async () => {
    const task = await world.openTask();
    const short = await world.issue({ task, template: "ledger-short" });
    const long = await world.issue({ task, template: "ledger-read" });
    expect(await world.isUsable(short.token)).toBe(true);
    await untilDead(short.token);
    expect(await world.isUsable(long.token)).toBe(true);
    expect((await read(task)).body.state).toBe("open");
    await world.end(task);
  });

  it("a task opened by the exchange itself ends with its credential", async () => {
    const { token, task } = await world.issue({ template: "report", more: { requested_ttl: "2" } });
    expect(await world.isUsable(token)).toBe(true);
    await untilDead(token);
    const ended = await eventually("the end is recorded", async () => {
      const { body } = await read(task, "bot");
      return body.state === "ended" ? body : undefined;
    });
    expect(ended.outcome).toBe("credential_ended");
  });
});

describe("a downtime of the broker", () => {
  it("longer than the silence that a task may keep: one interval of grace for it, none for a deadline", async () => {
    const over = await world.openTask({ deadline_seconds: 3 });
    const lost = await world.issue({ task: over });
    const deadline = Date.parse((await read(over)).body.deadline_at ?? "");
    const silent = await world.openTask({ heartbeat_seconds: 3 });
    const kept = await world.issue({ task: silent });
    await world.restart(() => {
      // An object was away only since its own alarm should have woken it, so that takes the lapse and an interval.
      const longEnough = Math.max(deadline, Date.now() + (isOnWorkers ? 6_500 : 3_500));
      return eventuallyTrue("both have lapsed", async () => Date.now() > longEnough);
    });

    const beaten = await beat(silent);
    expect(beaten.status).toBe(200);
    expect(await world.isUsable(kept.token)).toBe(true);
    expect((await world.audit(silent)).map(({ type }) => type)).toContain("task.heartbeat_graced");
    expect((await world.exchange({ task: over })).body.reason).toBe("task_ended");
    await untilDead(lost.token);
    // Grace is given once: silence closes it now.
    expect((await untilClosed(silent)).reason).toBe("task_ended");
    await untilDead(kept.token);
  });
});

describe("the audit", () => {
  it("the hash chain of each shard holds over everything above, and shows a changed entry", async () => {
    const entries = await world.audit();
    expect(entries.length).toBeGreaterThan(500);
    const shards = [...Map.groupBy(entries, ({ shard }) => shard).values()];
    expect(shards.map(firstBrokenEntry).filter((broken) => broken !== undefined)).toEqual([]);

    const [longest = []] = shards.toSorted((left, right) => right.length - left.length);
    const at = Math.floor(longest.length / 2);
    const forged = longest.map((entry) => (entry.sequence === at ? { ...entry, actor: "agent:nobody" } : entry));
    expect(firstBrokenEntry(forged)).toBe(at);
    expect(firstBrokenEntry(longest.filter(({ sequence }) => sequence !== at))).toBe(at + 1);
  });
});
