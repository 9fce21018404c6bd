/** Trees of tasks: how deep, never wider than their parents, and what ends with what. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

const open = (as: string, json: object) => world.send("POST", "/tasks", { as, json });
const child = (parent: string, more: object = {}) => ({
  agent: "lead-bot",
  parent_task_id: parent,
  templates: [{ template: "report" }],
  deadline_seconds: 600,
  ...more,
});

/** Task ids from the root down, opened by the agent of the task above. */
async function openChain(depth: number): Promise<string[]> {
  const chain = [await world.openTask({ agent: "lead-bot" })];
  while (chain.length < depth) {
    const opened = await open("lead-bot", child(chain.at(-1) ?? ""));
    expect(opened.status).toBe(201);
    chain.push(opened.body.task_id ?? "");
  }
  return chain;
}

describe("depth", () => {
  it("eight levels, not nine, whoever asks", async () => {
    const chain = await openChain(8);
    for (const as of ["lead-bot", "planner"]) {
      const ninth = await open(as, child(chain[7] ?? ""));
      expect([ninth.status, ninth.body.task_id]).toEqual([as === "planner" ? 404 : 403, undefined]);
    }
    const byOpener = await openChainAs("planner", 8);
    const ninth = await open("planner", child(byOpener[7] ?? ""));
    expect(ninth.status).toBe(400);
    expect(ninth.text).toContain("deep");
  });

  it("delegation stops at the agent's own maxDepth", async () => {
    const root = await world.openTask({ agent: "shy-bot" });
    const second = await open("shy-bot", child(root, { agent: "shy-bot" }));
    expect(second.status).toBe(201);
    const third = await open("shy-bot", child(second.body.task_id ?? "", { agent: "shy-bot" }));
    expect(third.status).toBe(403);
  });

  it("an agent without delegation opens nothing", async () => {
    const root = await world.openTask({ agent: "bot" });
    expect((await open("bot", child(root, { agent: "bot" }))).status).toBe(403);
  });
});

async function openChainAs(opener: string, depth: number): Promise<string[]> {
  const chain = [await world.openTask({ agent: "lead-bot" }, opener)];
  while (chain.length < depth) {
    const opened = await open(opener, child(chain.at(-1) ?? ""));
    chain.push(opened.body.task_id ?? "");
  }
  return chain;
}

describe("what a task fixes must be what its templates take", () => {
  it.each<[string, object, number, string | undefined]>([
    ["a value that is allowed", { region: "apac" }, 201, undefined],
    ["nothing: its exchanges say it", {}, 201, undefined],
    ["a value that is not allowed", { region: "mars" }, 400, "parameters"],
    ["a value of another type", { region: 7 }, 400, "parameters"],
    ["null", { region: null }, 400, "parameters"],
    ["a parameter that the template does not have", { regio: "emea" }, 400, "parameters"],
  ])("%s", async (_, parameters, status, reason) => {
    const opened = await open("planner", {
      agent: "bot",
      templates: [{ template: "report" }, { template: "ledger-read", parameters }],
      deadline_seconds: 60,
    });
    expect([opened.status, opened.body.reason]).toEqual([status, reason]);
  });
});

describe("a child is never wider", () => {
  it.each<[string, object, number]>([
    [
      "the same template and parameters",
      { templates: [{ template: "ledger-read", parameters: { region: "emea" } }] },
      201,
    ],
    ["a template that the parent has not", { templates: [{ template: "limited" }] }, 403],
    ["one that it has, and one that it has not", { templates: [{ template: "report" }, { template: "limited" }] }, 403],
    ["another value", { templates: [{ template: "ledger-read", parameters: { region: "apac" } }] }, 403],
    ["a value left open", { templates: [{ template: "ledger-read" }] }, 403],
    ["no template", { templates: [] }, 400],
  ])("%s", async (_, more, status) => {
    const parent = await world.openTask({
      agent: "lead-bot",
      templates: [{ template: "ledger-read", parameters: { region: "emea" } }, { template: "report" }],
    });
    for (const as of ["lead-bot", "planner"]) expect((await open(as, child(parent, more))).status).toBe(status);
  });

  const facts = { context: { environment: "test" }, ticket: "CHG-1", purpose: "rehearsal" };

  it.each<[string, object]>([
    ["another context", { context: { environment: "prod" } }],
    ["a member more", { context: { environment: "test", approved: true } }],
    ["another ticket", { ticket: "CHG-2" }],
    ["another purpose", { purpose: "release" }],
  ])("what conditions read is not its agent's to say: %s", async (_, more) => {
    const parent = await world.openTask({ agent: "lead-bot", ...facts });
    const refused = await open("lead-bot", child(parent, more));
    expect([refused.status, refused.body.reason]).toEqual([403, "wider_than_parent"]);
    // Who could open the child as a root of its own may say what it is.
    expect((await open("planner", child(parent, more))).status).toBe(201);
  });

  it.each<[string, object]>([
    ["repeated", facts],
    ["left out", {}],
  ])("what conditions read is the parent's: %s", async (_, more) => {
    const parent = await world.openTask({ agent: "lead-bot", ...facts });
    const opened = await open("lead-bot", child(parent, { templates: [{ template: "prod-only" }], ...more }));
    const task = opened.body.task_id ?? "";
    expect((await world.exchange({ as: "lead-bot", task, template: "prod-only" })).body.reason).toBe("when");
    expect((await world.send("GET", `/tasks/${task}`, { as: "lead-bot" })).text).toContain("CHG-1");
  });

  it("a delegated child may do what its parent's context allows", async () => {
    const parent = await world.openTask({ agent: "lead-bot", context: { environment: "prod" } });
    const opened = await open("lead-bot", child(parent, { templates: [{ template: "prod-only" }] }));
    const task = opened.body.task_id ?? "";
    expect((await world.exchange({ as: "lead-bot", task, template: "prod-only" })).status).toBe(200);
  });

  it("its deadline is cut to its parent's", async () => {
    const parent = await world.openTask({ agent: "lead-bot", deadline_seconds: 60 });
    const opened = await open("lead-bot", child(parent, { deadline_seconds: 600 }));
    const above = await world.send("GET", `/tasks/${parent}`, { as: "planner" });
    expect(Date.parse(opened.body.deadline_at ?? "")).toBeLessThanOrEqual(Date.parse(above.body.deadline_at ?? ""));
    const shorter = await open("lead-bot", child(parent, { deadline_seconds: 30 }));
    expect(Date.parse(shorter.body.deadline_at ?? "")).toBeLessThan(Date.parse(above.body.deadline_at ?? "") - 20_000);
  });

  it("what the task fixed cannot be asked for otherwise", async () => {
    const templates = [{ template: "ledger-read", parameters: { region: "emea" } }];
    const task = await world.openTask({ templates });
    const other = await world.exchange({ task, parameters: { region: "apac" } });
    expect([other.status, other.body.reason]).toEqual([400, "parameters_differ_from_task"]);
    expect((await world.exchange({ task, parameters: { region: "emea" } })).status).toBe(200);
    expect((await world.exchange({ task })).status).toBe(200);
  });
});

describe("ends", () => {
  it("a parent's end ends all below it, at every depth, in one report", async () => {
    const chain = await openChain(4);
    const issued = [];
    for (const task of chain) issued.push(await world.issue({ as: "lead-bot", task, template: "report" }));
    const [root = "", ...below] = chain;
    const ended = await world.end(root);
    expect(ended.body.leases?.map(({ lease_id }) => lease_id).toSorted()).toEqual(
      issued.map(({ lease }) => lease).toSorted(),
    );
    for (const { token } of issued) expect(await world.isUsable(token)).toBe(false);
    for (const task of below) {
      const refused = await world.exchange({ as: "lead-bot", task, template: "report" });
      expect([refused.status, refused.body.reason]).toEqual([400, "task_ended"]);
      await eventuallyTrue("the child is ended by its parent", async () => {
        const { body } = await world.send("GET", `/tasks/${task}`, { as: "lead-bot" });
        return body.state === "ended" && body.outcome === "parent_ended";
      });
    }
    expect((await open("lead-bot", child(below[0] ?? ""))).status).toBe(409);
  });

  it("a child's end leaves its parent and its sibling alone", async () => {
    const [root = "", first = ""] = await openChain(2);
    const sibling = await open("lead-bot", child(root));
    const kept = await world.issue({ as: "lead-bot", task: sibling.body.task_id ?? "", template: "report" });
    const lost = await world.issue({ as: "lead-bot", task: first, template: "report" });
    await world.end(first, { as: "lead-bot" });
    expect([await world.isUsable(lost.token), await world.isUsable(kept.token)]).toEqual([false, true]);
    expect((await world.exchange({ as: "lead-bot", task: root, template: "report" })).status).toBe(200);
    await world.end(root);
  });

  it("a parent's lost heartbeat closes its children by itself", async () => {
    const root = await world.openTask({ agent: "lead-bot", heartbeat_seconds: 2 });
    const below = await open("lead-bot", child(root));
    const { token } = await world.issue({ as: "lead-bot", task: below.body.task_id ?? "", template: "report" });
    expect(await world.isUsable(token)).toBe(true);
    await eventuallyTrue("the child's credential dies", async () => !(await world.isUsable(token)));
  });
});
