/** How many tasks may be open at once, for the agent that works on them and for whoever opens them. */
import { afterEach, describe, expect, it } from "vitest";
import { createWorld, policy, type Sent, type World } from "./world.ts";

let world: World;
afterEach(() => world.close());

const limited = (name: "bot" | "planner", max: number): string =>
  name === "bot"
    ? policy.replace("{ role: agent, identity: { issuer: prod, subject: bot }", (found) =>
        found.replace("role: agent,", `role: agent, openTasks: ${max},`),
      )
    : policy.replace("  role: orchestrator\n", (found) => `${found}  openTasks: ${max}\n`);

const open = (agent: string): Promise<Sent> => {
  const json = { agent, templates: [{ template: "api-read" }], deadline_seconds: 600 };
  return world.send("POST", "/tasks", { as: "planner", json });
};

describe("open tasks", () => {
  it.each([
    ["of an agent", limited("bot", 2), "openTasks", "bot", 201],
    ["of whoever opens them", limited("planner", 2), "openTasksOfOpener", "bot", 429],
  ])("%s are limited: 429, when to ask again, which limit", async (_, text, limit, agent, forAnother) => {
    world = await createWorld({ policy: text });
    const first = await open(agent);
    await open(agent);
    const refused = await open(agent);
    expect([refused.status, refused.body["limit"], refused.body["reason"]]).toEqual([429, limit, "limit_reached"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await open("other-bot")).status, "another agent's").toBe(forAnother);
    await world.send("POST", `/tasks/${String(first.body["task_id"])}/end`, {
      as: "planner",
      json: { outcome: "completed" },
    });
    expect((await open(agent)).status, "an end gives the place back").toBe(201);
    expect((await open(agent)).status).toBe(429);
  });

  it("a refused opening is audited, a limit as well as an agent that the opener may not choose", async () => {
    world = await createWorld({ policy: limited("bot", 1) });
    await open("bot");
    await open("bot");
    await open("nobody");
    const { entries } = await world.ledger.listAudit({ taskId: null, after: null, limit: 200 });
    const refused = entries.filter(({ type }) => type === "request.refused");
    const shared = { request: "open_task", templates: ["api-read"] };
    expect(refused.map(({ actor, data }) => [actor, data])).toMatchObject([
      ["orchestrator:planner", { ...shared, agent: "bot", code: "limit_reached" }],
      ["orchestrator:planner", { ...shared, agent: "nobody", code: "denied", why: "unknown_agent" }],
    ]);
  });

  it("an exchange that opens its own task takes no place", async () => {
    world = await createWorld({ policy: limited("bot", 1) });
    await open("bot");
    expect((await open("bot")).status).toBe(429);
    expect((await world.exchange()).status).toBe(200);
  });

  it("without a setting a hundred are fine", async () => {
    world = await createWorld();
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await open("bot")).status));
    expect(new Set(statuses)).toEqual(new Set([201]));
  });
});
