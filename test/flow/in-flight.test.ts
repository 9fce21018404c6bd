/**
 * The gate closes while the OAuth server is still making the token: the token dies undelivered, and the answer says
 * what closed the gate.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/flow/eventually.ts";
import { oauthPaths } from "../support/flow/servers.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

interface Scene {
  readonly parent: string;
  readonly task: string;
}

const kill = (scope: object) =>
  world.operate("POST", "/admin/kill", { as: "killer", json: { scope, reason: "drill" } });

const closings: readonly [string, (scene: Scene) => Promise<unknown>, string, string?][] = [
  ["the task ends", ({ task }) => world.end(task, { waitSeconds: 0 }), "task_ended"],
  ["its parent ends", ({ parent }) => world.end(parent, { waitSeconds: 0 }), "task_ended"],
  ["an operator kills the task", ({ task }) => kill({ kind: "task", id: task }), "task_ended"],
  ["an operator kills the agent", () => kill({ kind: "agent", name: "bot" }), "door_closed", "agent:bot"],
  ["... the template", () => kill({ kind: "template", name: "ledger-read" }), "door_closed", "template:ledger-read"],
  ["... the provider", () => kill({ kind: "provider", name: "ledger" }), "door_closed", "provider:ledger"],
  ["... the issuer", () => kill({ kind: "issuer", name: "workloads" }), "door_closed", "issuer:workloads"],
  ["... all", () => kill({ kind: "all" }), "door_closed", "all"],
];

describe("while the token is made", () => {
  it.each(closings)("%s", async (_, close, reason, door) => {
    const { proxy } = world.servers;
    const parent = await world.openTask({ agent: "lead-bot" });
    const task = await world.openTask({ parent_task_id: parent });
    const before = proxy.seen.length;
    const arrival = proxy.arrival(oauthPaths.token);
    const release = proxy.hold(oauthPaths.token);
    const exchange = world.exchange({ task });
    await arrival;
    await close({ parent, task });
    release();

    const answer = await exchange;
    expect([answer.status, answer.body.reason, answer.body.access_token]).toEqual([400, reason, undefined]);
    const line = await eventually("it is dead", async () => {
      const [only] = await world.leasesOf(task);
      return only?.state === "revoked" ? only : undefined;
    });
    expect(line.verdict).toBe("dead-verified");
    const revocation = proxy.seen.slice(before).find(({ path }) => path === oauthPaths.revocation);
    const token = new URLSearchParams(revocation?.body).get("token") ?? "";
    expect(token).not.toBe("");
    expect(await world.servers.isAlive(token)).toBe(false);
    expect((await world.audit(task)).map(({ type }) => type)).not.toContain("lease.activated");

    // A door that is opened again lets the task go on; an end is for ever.
    const opened =
      door === undefined ? 0 : (await world.operate("DELETE", `/admin/doors?scope=${door}`, { as: "killer" })).status;
    expect((await world.exchange({ task })).status).toBe(opened === 204 ? 200 : 400);
    await world.end(parent);
  });
});
