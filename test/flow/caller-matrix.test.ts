/**
 * Who may do what, cell by cell, over HTTP. Each row is one action; each column one caller, of its own task and of a
 * foreign one. What a caller may not see is answered with the bytes of what does not exist.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sent } from "../support/flow/client.ts";
import { startFlow, type FlowWorld } from "../support/flow/world.ts";

let world: FlowWorld;
beforeAll(async () => {
  world = await startFlow();
});
afterAll(() => world.close());

/** A tree: a root of lead-bot, below it the task that is acted on; both opened by planner. */
interface Scene {
  readonly task: string;
  readonly lease: string;
  readonly token: string;
}

async function newScene(): Promise<Scene> {
  const root = await world.openTask({ agent: "lead-bot" });
  const task = await world.openTask({
    agent: "bot",
    parent_task_id: root,
    heartbeat_seconds: 300,
    templates: [{ template: "report" }],
  });
  const { lease, token } = await world.issue({ task, template: "report" });
  return { task, lease, token };
}

/** The same requests for what never was. */
const nowhere: Scene = {
  task: `tsk_${"0".repeat(21)}`,
  lease: `lea_${"0".repeat(21)}`,
  token: "a-token-of-nobody",
};

const columns = [
  "opener",
  "task's agent",
  "ancestor's agent",
  "other agent",
  "other orchestrator",
  "resource",
  "other resource",
  "operator: read",
  "operator: kill",
  "operator: policy",
] as const;
type Column = (typeof columns)[number];

const callers: Readonly<Record<Column, string>> = {
  opener: "planner",
  "task's agent": "bot",
  "ancestor's agent": "lead-bot",
  "other agent": "other-bot",
  "other orchestrator": "second-planner",
  resource: "report-api",
  "other resource": "other-api",
  "operator: read": "viewer",
  "operator: kill": "killer",
  "operator: policy": "keeper",
};

type Act = (scene: Scene, as: string) => Promise<Sent>;
type Cells = Readonly<Record<Column, number>>;

const only = (allowed: number, refused: number, ...who: readonly Column[]): Cells => {
  const cells = columns.map((column) => [column, who.includes(column) ? allowed : refused] as const);
  return Object.fromEntries(cells) as Cells;
};

const concerned = ["opener", "task's agent", "ancestor's agent"] as const;

const actions: Readonly<Record<string, { readonly act: Act; readonly cells: Cells }>> = {
  "read the task": {
    act: ({ task }, as) => world.send("GET", `/tasks/${task}`, { as }),
    cells: only(200, 404, ...concerned, "operator: read"),
  },
  "read a lease": {
    act: ({ lease }, as) => world.send("GET", `/leases/${lease}`, { as }),
    cells: only(200, 404, ...concerned, "operator: read"),
  },
  "give a sign of life": {
    act: ({ task }, as) => world.send("POST", `/tasks/${task}/heartbeat`, { as }),
    // Who may see the task is told that the sign is not theirs to give.
    cells: { ...only(403, 404, ...concerned, "operator: read"), "task's agent": 200 },
  },
  "get a credential": {
    act: ({ task }, as) => world.exchange({ as, task, template: "report" }),
    cells: only(200, 400, "task's agent"),
  },
  "open a child": {
    act: ({ task }, as) =>
      world.send("POST", "/tasks", {
        as,
        json: { agent: "bot", parent_task_id: task, templates: [{ template: "report" }], deadline_seconds: 60 },
      }),
    // The task's own agent sees the task, but its profile delegates to nobody.
    cells: { ...only(201, 404, "opener"), "task's agent": 403 },
  },
  "delete a lease": {
    act: ({ lease }, as) => world.send("DELETE", `/leases/${lease}`, { as }),
    cells: only(200, 404, ...concerned, "operator: kill"),
  },
  "end the task": {
    act: ({ task }, as) => world.end(task, { as, waitSeconds: 0 }),
    cells: only(200, 404, ...concerned, "operator: kill"),
  },
};

const withoutRequestId = ({ text }: Sent): string => text.replaceAll(/req_[0-9a-z]+/g, "req_");

const hiding: readonly number[] = [400, 404];

describe.each(Object.entries(actions))("%s", (name, { act, cells }) => {
  it.each(columns)("%s", async (column) => {
    const as = callers[column];
    const own = await act(await newScene(), as);
    expect(own.status).toBe(cells[column]);
    if (!hiding.includes(own.status)) return;
    const unknown = await act(nowhere, as);
    expect(unknown.status).toBe(own.status);
    expect(withoutRequestId(own)).toBe(withoutRequestId(unknown));
    expect([...own.headers.keys()].toSorted()).toEqual([...unknown.headers.keys()].toSorted());
  });

  it.each([
    ["nobody", undefined, 401],
    ["known to the issuer, unknown to the policy", "stranger", 401],
  ] as const)("%s", async (_, as, status) => {
    // A token request carries its attestation in the form, and its refusals are 400 (RFC 6749 §5.2).
    const wanted = name === "get a credential" ? 400 : status;
    if (as === undefined && name === "get a credential") return;
    const [own, unknown] = [await actAs(await newScene(), act, as), await actAs(nowhere, act, as)];
    expect(own.status).toBe(wanted);
    expect(withoutRequestId(own)).toBe(withoutRequestId(unknown));
    expect(own.headers.get("www-authenticate") ?? "none").toMatch(wanted === 401 ? /^Bearer / : /^none$/);
  });
});

/** Nobody sends no attestation at all. */
async function actAs(scene: Scene, act: Act, as: string | undefined): Promise<Sent> {
  if (as !== undefined) return act(scene, as);
  const answer = await fetch(`${world.publicUrl}/tasks/${scene.task}`);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) as Sent["body"] };
}

describe("open a root task", () => {
  const open = (as: string, more: object = {}) =>
    world.send("POST", "/tasks", {
      as,
      json: { agent: "bot", templates: [{ template: "report" }], deadline_seconds: 60, ...more },
    });

  it.each(columns)("%s", async (column) => {
    const isOrchestrator = column === "opener" || column === "other orchestrator";
    expect((await open(callers[column])).status).toBe(isOrchestrator ? 201 : 403);
  });

  it.each([
    ["its agent and template", {}, 201],
    ["another agent", { agent: "other-bot" }, 403],
    ["another template", { templates: [{ template: "ledger-read" }] }, 403],
    ["one of each", { templates: [{ template: "report" }, { template: "ledger-read" }] }, 403],
    ["an agent that is not there", { agent: "nobody" }, 403],
    ["a template that is not there", { templates: [{ template: "nothing" }] }, 403],
    ["an orchestrator as agent", { agent: "planner" }, 403],
  ])("an orchestrator with mayOpenFor: %s", async (_, more, status) => {
    expect((await open("narrow-planner", more)).status).toBe(status);
  });
});

describe("introspect", () => {
  it.each(columns)("%s", async (column) => {
    const { token } = await newScene();
    const answer = await world.send("POST", "/introspect", { as: callers[column], form: { token } });
    const isResource = column === "resource" || column === "other resource";
    expect(answer.status).toBe(isResource ? 200 : 403);
    expect(answer.body.active).toBe(isResource ? column === "resource" : undefined);
  });

  it("a token for another audience is as inactive as one of nobody", async () => {
    const { token } = await newScene();
    const [foreign, unknown] = await Promise.all(
      [token, nowhere.token].map((one) => world.send("POST", "/introspect", { as: "other-api", form: { token: one } })),
    );
    expect(foreign?.text).toBe(unknown?.text);
  });
});

describe("the operators' listener", () => {
  const paths: Readonly<
    Record<string, { may: readonly string[]; status?: number; send: (as: string) => Promise<Sent> }>
  > = {
    "dry run of a kill": {
      may: ["kill"],
      send: (as) =>
        world.operate("POST", "/admin/kill", { as, json: { scope: { kind: "all" }, reason: "drill", dry_run: true } }),
    },
    "blast radius": {
      may: ["read", "kill"],
      send: (as) => world.operate("GET", "/admin/blast-radius?scope=all", { as }),
    },
    doors: { may: ["read"], send: (as) => world.operate("GET", "/admin/doors", { as }) },
    "open a door": {
      may: ["kill"],
      // No door is closed here: whoever may is told so, with the words for what does not exist.
      status: 404,
      send: (as) => world.operate("DELETE", "/admin/doors?scope=agent:bot", { as }),
    },
    targets: { may: ["read"], send: (as) => world.operate("GET", "/admin/targets", { as }) },
    stuck: { may: ["read"], send: (as) => world.operate("GET", "/admin/stuck", { as }) },
    "retry what is stuck": {
      may: ["kill"],
      send: (as) => world.operate("POST", "/admin/stuck/retry", { as, json: { scope: { kind: "all" } } }),
    },
    "retry a target": {
      may: ["kill"],
      // Whoever may is told that there is none of that name.
      status: 404,
      send: (as) => world.operate("POST", "/admin/targets/retry", { as, json: { target: "nowhere" } }),
    },
    audit: { may: ["read"], send: (as) => world.operate("GET", "/audit/entries", { as }) },
    metrics: { may: ["read"], send: (as) => world.operate("GET", "/metrics", { as }) },
    "accept the clock": {
      may: ["policy"],
      status: 204,
      send: (as) => world.operate("POST", "/admin/clock/accept", { as }),
    },
  };
  const rights: Readonly<Record<string, string>> = { viewer: "read", killer: "kill", keeper: "policy" };

  describe.each(Object.entries(paths))("%s", (_, { may, status = 200, send }) => {
    it.each(columns)("%s", async (column) => {
      const as = callers[column];
      const isAllowed = may.includes(rights[as] ?? "");
      const answer = await send(as);
      expect(answer.status).toBe(isAllowed ? status : 404);
      if (isAllowed) return;
      const nothing = await world.operate("GET", "/admin/no-such-path", { as });
      expect(withoutRequestId(answer)).toBe(withoutRequestId(nothing));
    });

    it("nobody and strangers", async () => {
      expect((await send("stranger")).status).toBe(401);
    });
  });

  it("is not there on the public listener", async () => {
    for (const path of ["/admin/kill", "/admin/doors", "/audit/entries", "/metrics", "/admin/targets"])
      expect((await world.send("GET", path, { as: "desk" })).status).toBe(404);
  });
});

describe("an attestation that may be used once", () => {
  it("is good for an exchange and for nothing else", async () => {
    const task = await world.openTask({ agent: "once-bot" });
    expect((await world.exchange({ as: "once-bot", task, template: "report" })).status).toBe(200);
    const read = await world.send("GET", `/tasks/${task}`, { as: "once-bot" });
    expect(read.status).toBe(401);
    expect(read.body.reason).toBe("replay_mode");
  });
});
