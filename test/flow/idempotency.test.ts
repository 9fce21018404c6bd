/**
 * What a repeated request gets, and what a limit still knows, also when the broker was restarted in between: whatever
 * is remembered stands in the ledger and not in the process.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

const lifeOf = async (lease: string) => (await world.send("GET", `/leases/${lease}`, { as: "planner" })).body;
const inBetween: readonly [string, () => Promise<void>][] = [
  ["at once", async () => {}],
  ["after a restart", () => world.restart()],
];

describe.each(inBetween)("repeated %s", (name, between) => {
  const keyOf = (what: string) => `${what} ${name}`.replaceAll(" ", "-");

  it("the same request under the same key: delivered before, told which, and that one dies", async () => {
    const task = await world.openTask();
    const wish = { task, template: "ledger-read", key: keyOf("same") };
    const first = await world.issue(wish);
    expect(await world.isUsable(first.token)).toBe(true);
    await between();
    expect(await world.isUsable(first.token)).toBe(true);
    const again = await world.exchange(wish);
    expect(again.status).toBe(400);
    expect(again.body).toMatchObject({ error: "invalid_request", reason: "already_delivered", lease_id: first.lease });
    expect(again.text).not.toContain(first.token);
    await eventuallyTrue("the lost credential dies", async () => !(await world.isUsable(first.token)));
    const fresh = await world.issue({ ...wish, key: keyOf("fresh") });
    expect(await world.isUsable(fresh.token)).toBe(true);
    await world.end(task);
  });

  it.each([
    ["lifetime", { more: { requested_ttl: "60" } }],
    ["parameters", { parameters: { region: "apac" } }],
    ["template", { template: "report" }],
  ])("another %s under the same key: refused, and nothing dies", async (what, change) => {
    const task = await world.openTask();
    const wish = { task, template: "ledger-read", key: keyOf(what) };
    const first = await world.issue(wish);
    await between();
    const other = await world.exchange({ ...wish, ...change });
    expect(other.status).toBe(400);
    expect(other.body).toMatchObject({ error: "invalid_request", reason: "key_reused" });
    expect(await world.isUsable(first.token)).toBe(true);
    await world.end(task);
  });

  it("the key of another task, and of another agent, is another key", async () => {
    const [task, second] = [await world.openTask(), await world.openTask()];
    const third = await world.openTask({ agent: "other-bot" });
    const key = keyOf("shared");
    const first = await world.issue({ task, template: "report", key });
    await between();
    expect((await world.exchange({ task: second, template: "report", key })).status).toBe(200);
    expect((await world.exchange({ as: "other-bot", task: third, template: "report", key })).status).toBe(200);
    expect(await world.isUsable(first.token)).toBe(true);
  });

  it("an attestation for a single use: used", async () => {
    const task = await world.openTask({ agent: "once-bot" });
    const attestation = await world.attest("once-bot");
    expect((await world.exchange({ attestation, task, template: "report" })).status).toBe(200);
    await between();
    const again = await world.exchange({ attestation, task, template: "report" });
    expect([again.status, again.body.reason]).toEqual([400, "replayed"]);
    expect((await world.exchange({ as: "once-bot", task, template: "report" })).status).toBe(200);
  });

  it("a full limit: full, until something dies", async () => {
    const task = await world.openTask();
    const first = await world.issue({ task, template: "limited" });
    await world.issue({ task, template: "limited" });
    await between();
    const refused = await world.exchange({ task, template: "limited" });
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ error: "temporarily_unavailable", limit: "liveLeasesPerTask" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await world.exchange({ task: await world.openTask(), template: "limited" })).status).toBe(200);
    await world.send("DELETE", `/leases/${first.lease}`, { as: "bot" });
    await eventually("there is room again", async () => {
      const { status } = await world.exchange({ task, template: "limited" });
      return status === 200 ? true : undefined;
    });
  });

  it("mints of a minute: counted, whatever has died", async () => {
    const paced = await eventually("a try that fits into one minute", () => pacedTry(between), 60_000);
    expect(paced).toEqual([200, 200, 200, 429]);
  });
});

const pacedAgents = ["paced-bot-1", "paced-bot-2", "paced-bot-3"];

/** Windows are whole minutes of the clock: a try that ran into the next one says nothing. */
async function pacedTry(between: () => Promise<void>): Promise<readonly number[] | undefined> {
  const agent = pacedAgents.shift();
  if (agent === undefined) throw new Error("no agent is left that minted nothing this minute");
  const minute = Math.floor(Date.now() / 60_000);
  const task = await world.openTask({ agent });
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) {
    if (count === 3) await between();
    const { status, body } = await world.exchange({ as: agent, task, template: "paced" });
    statuses.push(status);
    if (status === 200) await world.send("DELETE", `/leases/${body.lease_id}`, { as: agent });
  }
  return Math.floor(Date.now() / 60_000) === minute ? statuses : undefined;
}

describe("while the first request is on its way", () => {
  it("the second is told to come back; the first is delivered; the third hears that it was", async () => {
    const task = await world.openTask();
    const { proxy } = world.servers;
    const wish = { task, template: "ledger-read", key: "in-flight" };
    const arrival = proxy.arrival(oauthPaths.token);
    const release = proxy.hold(oauthPaths.token);
    const first = world.exchange(wish);
    await arrival;
    const second = await world.exchange(wish);
    expect(second.status).toBe(503);
    expect(second.body).toMatchObject({ error: "temporarily_unavailable", reason: "request_in_flight" });
    expect(second.headers.get("retry-after")).toBe("1");
    release();
    const delivered = await first;
    expect(delivered.status).toBe(200);
    expect((await world.exchange(wish)).body.reason).toBe("already_delivered");
    await world.end(task);
    expect(await world.isUsable(delivered.body.access_token ?? "")).toBe(false);
  });
});

describe("replaces", () => {
  it("the new credential does not count twice, and the old one goes on for its grace", async () => {
    const task = await world.openTask();
    const first = await world.issue({ task, template: "limited" });
    const second = await world.issue({ task, template: "limited" });
    expect((await world.exchange({ task, template: "limited" })).status).toBe(429);
    const before = Date.now();
    const third = await world.issue({ task, template: "limited", more: { replaces: first.lease } });
    expect(await world.isUsable(third.token)).toBe(true);
    const old = await lifeOf(first.lease);
    expect(old.state).toBe("revoking");
    const dueIn = Date.parse((old as { next_attempt_at?: string }).next_attempt_at ?? "") - before;
    expect(dueIn).toBeGreaterThan(29_000);
    expect(dueIn).toBeLessThan(31_000);
    // Requests that carry it may still be on their way.
    expect([await world.isUsable(first.token), await world.isUsable(second.token)]).toEqual([true, true]);
    expect((await world.exchange({ task, template: "limited" })).status).toBe(429);
    await world.end(task);
    expect([await world.isUsable(first.token), await world.isUsable(third.token)]).toEqual([false, false]);
  });

  it("a kill of the replaced one does not wait for the grace", async () => {
    const task = await world.openTask();
    const first = await world.issue({ task, template: "report" });
    await world.issue({ task, template: "report", more: { replaces: first.lease } });
    expect(await world.isUsable(first.token)).toBe(true);
    await world.send("DELETE", `/leases/${first.lease}`, { as: "bot" });
    expect(await world.isUsable(first.token)).toBe(false);
    await eventuallyTrue("its death is recorded", async () => (await lifeOf(first.lease)).state === "revoked");
  });

  it("an OAuth token goes on for its grace too, and the task's end does not wait for that", async () => {
    const task = await world.openTask();
    const first = await world.issue({ task });
    const second = await world.issue({ task, more: { replaces: first.lease } });
    expect([await world.isUsable(first.token), await world.isUsable(second.token)]).toEqual([true, true]);
    const ended = await world.end(task);
    expect(ended.body.summary).toMatchObject({ live: 0, dead: 2 });
    expect([await world.isUsable(first.token), await world.isUsable(second.token)]).toEqual([false, false]);
  });

  it.each([
    [
      "a lease of another task",
      async () => (await world.issue({ task: await world.openTask(), template: "report" })).lease,
    ],
    ["a lease of nobody", async () => `lea_${"0".repeat(21)}`],
  ])("%s: not found, and nothing dies", async (_, chosen) => {
    const task = await world.openTask();
    const replaces = await chosen();
    const answer = await world.exchange({ task, template: "report", more: { replaces } });
    expect([answer.status, answer.body.reason]).toEqual([400, "not_found"]);
    expect((await lifeOf(replaces)).state).not.toBe("revoking");
  });
});
