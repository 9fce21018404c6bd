/** The operator's kill: what a dry run counts, what dies, which door stays closed, and who opens it again. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually, eventuallyTrue } from "../support/flow/eventually.ts";
import type { Issued, Sent } from "../support/flow/client.ts";
import { isOnSqlite } from "../support/ledger-kind.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
let task: string;
let otherTask: string;
let ledger: Issued;
let elsewhere: Issued;
let own: Issued;
let otherAgents: Issued;

beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

/** Two agents, three providers. */
beforeEach(async () => {
  task = await world.openTask();
  otherTask = await world.openTask({ agent: "other-bot" });
  ledger = await world.issue({ task, template: "ledger-read" });
  elsewhere = await world.issue({ task, template: "other-read" });
  own = await world.issue({ task, template: "report" });
  otherAgents = await world.issue({ as: "other-bot", task: otherTask, template: "ledger-read" });
});

const kill = (scope: object, more: object = {}) =>
  world.operate("POST", "/admin/kill", { as: "killer", json: { scope, reason: "suspected leak", ...more } });
const openDoor = (scope: string) => world.operate("DELETE", `/admin/doors?scope=${scope}`, { as: "killer" });
const doors = async () => (await world.operate("GET", "/admin/doors", { as: "viewer" })).body.doors ?? [];
const aliveNow = async () =>
  Promise.all([ledger, elsewhere, own, otherAgents].map(({ token }) => world.isUsable(token)));

const scopes: readonly [string, object, string, readonly boolean[], Readonly<Record<string, number>>][] = [
  [
    "an agent",
    { kind: "agent", name: "bot" },
    "agent:bot",
    [false, false, false, true],
    { ledger: 1, "other-ledger": 1, own: 1 },
  ],
  [
    "a template",
    { kind: "template", name: "ledger-read" },
    "template:ledger-read",
    [false, true, true, false],
    { ledger: 2 },
  ],
  ["a provider", { kind: "provider", name: "ledger" }, "provider:ledger", [false, true, true, false], { ledger: 2 }],
  [
    "an issuer",
    { kind: "issuer", name: "workloads" },
    "issuer:workloads",
    [false, false, false, false],
    { ledger: 2, "other-ledger": 1, own: 1 },
  ],
  ["all", { kind: "all" }, "all", [false, false, false, false], { ledger: 2, "other-ledger": 1, own: 1 }],
];

describe.each(scopes)("killing %s", (_, scope, text, survivors, byProvider) => {
  it("counts first, kills what stands behind the door, and keeps it closed until it is opened", async () => {
    const dry = await kill(scope, { dry_run: true });
    expect(dry.status).toBe(200);
    expect(dry.body).toMatchObject({ scope: text, by_provider: byProvider, dry_run: true });
    const counted = Object.values(byProvider).reduce((sum, count) => sum + count, 0);
    expect(dry.body.leases).toBe(counted);
    expect(await aliveNow()).toEqual([true, true, true, true]);
    expect(await doors()).toEqual([]);

    const killed = await kill(scope);
    expect(killed.body).toMatchObject({ scope: text, dry_run: false });
    // Counted while the kill goes on: on many shards the first may be dead before the last was looked at.
    expect(killed.body.leases).toBeLessThanOrEqual(counted);
    expect(killed.body.leases).toBeGreaterThanOrEqual(isOnSqlite ? counted : 0);
    await eventually("the survivors are those outside the scope", async () => {
      const alive = await aliveNow();
      return alive.every((one, index) => one === survivors[index]) ? true : undefined;
    });
    await eventuallyTrue("nothing is left to kill", async () => {
      const left = await world.operate("GET", `/admin/blast-radius?scope=${text}`, { as: "viewer" });
      return (left.body.leases as unknown) === 0;
    });
    expect((await doors()).map(({ scope: door, reason }) => [door, reason])).toEqual([[text, "suspected leak"]]);

    // The killed task, and one that is opened afterwards.
    const refused = await world.exchange({ task, template: "ledger-read" });
    expect([refused.status, refused.body.reason]).toEqual([400, "door_closed"]);
    const stillRefused = await refusalOfNewWork();
    const isTaskRefused = /^(agent|issuer|all)/.test(text);
    expect([stillRefused.status, stillRefused.body.reason]).toEqual([isTaskRefused ? 409 : 400, "door_closed"]);

    expect((await openDoor(text)).status).toBe(204);
    expect((await openDoor(text)).status).toBe(404);
    const fresh = await world.openTask();
    expect((await world.exchange({ task: fresh, template: "ledger-read" })).status).toBe(200);
    // What was killed stays dead.
    expect(await world.isUsable(ledger.token)).toBe(false);
    for (const one of [task, otherTask, fresh])
      await world.end(one, { as: one === otherTask ? "other-bot" : "planner" });
  });
});

/** A door of agent, issuer or all refuses the task; one of template or provider its exchanges. */
async function refusalOfNewWork(): Promise<Sent> {
  const opened = await world.send("POST", "/tasks", {
    as: "planner",
    json: { agent: "bot", templates: [{ template: "ledger-read" }], deadline_seconds: 60 },
  });
  return opened.status === 201 ? world.exchange({ task: opened.body.task_id ?? "", template: "ledger-read" }) : opened;
}

describe("killing one task", () => {
  it("ends it as killed, and only it; a dry run changes nothing", async () => {
    const sibling = await world.openTask();
    const kept = await world.issue({ task: sibling, template: "ledger-read" });
    const scope = { kind: "task", id: task };
    const dry = await kill(scope, { dry_run: true });
    expect(dry.body).toMatchObject({ tasks: 1, by_provider: { ledger: 1, "other-ledger": 1, own: 1 } });
    expect(await aliveNow()).toEqual([true, true, true, true]);

    expect((await kill(scope)).status).toBe(200);
    await eventually("the task's credentials are dead", async () => {
      const alive = await aliveNow();
      return alive.slice(0, 3).includes(true) ? undefined : alive;
    });
    expect([await world.isUsable(kept.token), await world.isUsable(otherAgents.token)]).toEqual([true, true]);
    const report = await world.send("GET", `/tasks/${task}`, { as: "planner" });
    expect(report.body).toMatchObject({ state: "ended", outcome: "killed" });
    expect(await doors()).toEqual([]);
    expect((await world.exchange({ task, template: "report" })).body.reason).toBe("task_ended");
    expect((await kill({ kind: "task", id: `tsk_${"0".repeat(21)}` })).status).toBe(404);
    await world.end(sibling);
  });
});

describe("a paused target", () => {
  const turn = (action: string, target = "ledger") =>
    world.operate("POST", `/admin/targets/${action}`, { as: "killer", json: { target } });

  it("holds its kills back, and no others, until it is resumed", async () => {
    expect((await turn("pause")).status).toBe(200);
    expect((await turn("pause", "no-such-target")).status).toBe(404);
    const ended = await world.end(task, { waitSeconds: 1 });
    expect(ended.body.leases?.map(({ provider, state }) => [provider, state])).toEqual([
      ["ledger", "revoking"],
      ["other-ledger", "revoked"],
      ["own", "revoked"],
    ]);
    expect(await aliveNow()).toEqual([true, false, false, true]);
    expect((await turn("resume")).status).toBe(200);
    await eventuallyTrue("it is dead", async () => !(await world.isUsable(ledger.token)));
  });
});

describe("POST /revoke by whoever holds the credential", () => {
  const revoke = (token: string, more: object = {}) => world.send("POST", "/revoke", { form: { token, ...more } });

  it.each<[string, () => Issued]>([
    ["an OAuth token, found by its fingerprint", () => ledger],
    ["one of the second server", () => elsewhere],
    ["a token of the broker's own", () => own],
  ])("kills %s, and nothing else", async (_, chosen) => {
    const { token, lease } = chosen();
    const answer = await revoke(token, { token_type_hint: "refresh_token", client_id: "somebody" });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    await eventuallyTrue("it is dead", async () => !(await world.isUsable(token)));
    const others = [ledger, elsewhere, own, otherAgents].filter((one) => one.lease !== lease);
    for (const other of others) expect(await world.isUsable(other.token)).toBe(true);
    await eventuallyTrue("its death is recorded", async () => {
      const { body } = await world.send("GET", `/leases/${lease}`, { as: "planner" });
      return body.state === "revoked";
    });
    const due = (await world.audit(task)).find(({ type, lease_id }) => type === "lease.due" && lease_id === lease);
    expect(due?.actor).toBe("bearer");
  });

  it.each([
    ["a token of nobody", () => "a-token-of-nobody"],
    ["a changed one", () => `${ledger.token.slice(0, -1)}_`],
    ["a changed signature", () => `${own.token.slice(0, -6)}AAAAAA`],
  ])("%s is answered alike, and kills nothing", async (_, token) => {
    const answer = await revoke(token());
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(await aliveNow()).toEqual([true, true, true, true]);
  });
});
