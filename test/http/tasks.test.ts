/** Tasks and leases over HTTP: the caller matrix, exact refusals of malformed bodies, reports, waits. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { maxContextBytes, maxTaskSeconds } from "../../src/kernel/limits.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createWorld, type Sent, type Subject, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld({ kills: true });
});
afterAll(() => world.close());

const opening = { agent: "bot", templates: [{ template: "api-read" }], deadline_seconds: 600 };
const nobody = `tsk_${"0".repeat(21)}`;
const told = ({ status, body }: Sent) => [status, String(body["type"]).replace("https://mayfly.dev/problems/", "")];

describe("POST /tasks", () => {
  it("opens a task and says where it is", async () => {
    const more = {
      heartbeat_seconds: 60,
      heartbeat_from: "both",
      purpose: "close the books",
      ticket: "FIN-1",
      context: { env: "prod" },
    };
    const opened = await world.send("POST", "/tasks", { as: "planner", json: { ...opening, ...more } });
    expect([opened.status, opened.body["state"]]).toEqual([201, "open"]);
    expect(opened.headers.get("location")).toBe(`/tasks/${String(opened.body["task_id"])}`);
    const deadline = Date.parse(String(opened.body["deadline_at"]));
    expect(Date.parse(String(opened.body["heartbeat_due_at"]))).toBe(deadline - 540_000);
  });

  it("without heartbeats says null", async () => {
    const opened = await world.send("POST", "/tasks", { as: "planner", json: opening });
    expect(opened.body["heartbeat_due_at"]).toBeNull();
  });

  const words = { agent: "must be a resource name: lower-case letters, digits, dots and hyphens, at most 63" };
  const entry = { template: "api-read" };
  type Told = readonly [member: string | undefined, reason: string, text: string];
  const malformedRows: readonly [name: string, json: unknown, told: Told][] = [
    ["a list", [], [undefined, "wrong_type", "the body must be an object"]],
    ["nothing", null, [undefined, "wrong_type", "the body must be an object"]],
    ["no agent", { ...opening, agent: undefined }, ["agent", "missing", "agent is missing; it must be text"]],
    ["an agent that is no name", { ...opening, agent: "Bot*" }, ["agent", "wrong_form", `agent ${words.agent}`]],
    ["no templates", { ...opening, templates: [] }, ["templates", "out_of_range", "must hold at least 1 entries"]],
    [
      "too many templates",
      { ...opening, templates: Array(65).fill(entry) },
      ["templates", "out_of_range", "must hold at most 64 entries"],
    ],
    ["templates that are text", { ...opening, templates: "all" }, ["templates", "wrong_type", "must be a list"]],
    [
      "a template that is no name",
      { ...opening, templates: [{ template: "" }] },
      ["templates.0.template", "wrong_form", words.agent],
    ],
    [
      "an unknown member",
      { ...opening, ttl: 5 },
      [
        "ttl",
        "unknown_member",
        "ttl is not known here; known are agent, templates, deadline_seconds, heartbeat_seconds",
      ],
    ],
    [
      "an unknown inner member",
      { ...opening, templates: [{ ...entry, scope: "x" }] },
      ["templates.0.scope", "unknown_member", "is not known here; known are template, parameters"],
    ],
    [
      "no deadline",
      { ...opening, deadline_seconds: undefined },
      ["deadline_seconds", "missing", "deadline_seconds is missing; it must be a whole number"],
    ],
    ["a deadline in the past", { ...opening, deadline_seconds: 0 }, ["deadline_seconds", "out_of_range", "at least 1"]],
    [
      "a deadline that is text",
      { ...opening, deadline_seconds: "600" },
      ["deadline_seconds", "wrong_type", "must be a whole number"],
    ],
    [
      "a fraction of a second",
      { ...opening, deadline_seconds: 1.5 },
      ["deadline_seconds", "wrong_type", "must be a whole number"],
    ],
    [
      "a deadline that is too far",
      { ...opening, deadline_seconds: maxTaskSeconds + 1 },
      ["deadline_seconds", "out_of_range", `must be at most ${maxTaskSeconds}`],
    ],
    [
      "a deadline beyond any number",
      { ...opening, deadline_seconds: 1e20 },
      ["deadline_seconds", "out_of_range", `must be at most ${maxTaskSeconds}`],
    ],
    [
      "a pace of heartbeats that is too slow",
      { ...opening, heartbeat_seconds: maxTaskSeconds + 1 },
      ["heartbeat_seconds", "out_of_range", `must be at most ${maxTaskSeconds}`],
    ],
    [
      "heartbeats from nowhere",
      { ...opening, heartbeat_seconds: 5, heartbeat_from: "cron" },
      ["heartbeat_from", "not_allowed", "must be one of agent, orchestrator, both"],
    ],
    [
      "a source of no heartbeats",
      { ...opening, heartbeat_from: "agent" },
      ["heartbeat_from", "wrong_form", "heartbeat_from needs heartbeat_seconds beside it"],
    ],
    ["a purpose of two lines", { ...opening, purpose: "a\nb" }, ["purpose", "wrong_form", "must be one line"]],
    ["an empty ticket", { ...opening, ticket: "" }, ["ticket", "out_of_range", "must have at least 1 characters"]],
    [
      "a purpose that is too long",
      { ...opening, purpose: "x".repeat(501) },
      ["purpose", "out_of_range", "must have at most 500 characters"],
    ],
    ["a context that is text", { ...opening, context: "prod" }, ["context", "wrong_type", "must be an object"]],
    [
      "a context with a fraction",
      { ...opening, context: { rate: 0.1 } },
      ["context.rate", "wrong_form", "may hold only whole numbers"],
    ],
    [
      "a context that is too large",
      { ...opening, context: { a: "é".repeat(maxContextBytes / 2) } },
      ["context", "wrong_form", `must be at most ${maxContextBytes} bytes of JSON`],
    ],
  ];

  it.each(malformedRows)(
    "refuses %s, and says which member, why, and what is allowed",
    async (_name, json, expected) => {
      const answer = await world.send("POST", "/tasks", { as: "planner", json });
      expect(told(answer)).toEqual([400, "malformed-request"]);
      const [member, reason, text] = expected;
      expect([answer.body["member"], answer.body["reason"]]).toEqual([member, reason]);
      expect(answer.body["detail"]).toContain(text);
      expect(answer.body["detail"]).toMatch(/\. Nothing was changed; correct the request and send it again\.$/);
      expect(answer.body["detail"], "the validator's own words").not.toMatch(
        /invalid|expected|received|too (big|small)/i,
      );
    },
  );

  const textRows: readonly [
    name: string,
    body: string,
    headers: Record<string, string>,
    refusal: readonly unknown[],
  ][] = [
    ["no JSON", "{", { "Content-Type": "application/json" }, [400, "malformed-request"]],
    [
      "a member twice",
      `{"agent":"bot","agent":"other-bot"}`,
      { "Content-Type": "application/json" },
      [400, "malformed-request"],
    ],
    [
      "nesting without end",
      `{"context":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
      { "Content-Type": "application/json" },
      [400, "malformed-request"],
    ],
    ["a form", "agent=bot", { "Content-Type": "application/x-www-form-urlencoded" }, [415, "unsupported-media-type"]],
    ["no type", "{}", {}, [415, "unsupported-media-type"]],
    ["a large body", `"${"x".repeat(70_000)}"`, { "Content-Type": "application/json" }, [413, "too-large"]],
  ];
  it.each(textRows)("refuses %s", async (_name, body, headers, refusal) => {
    expect(told(await world.send("POST", "/tasks", { as: "planner", body, headers }))).toEqual(refusal);
  });

  it("refuses who may not, and for what there is not", async () => {
    const byAgent = await world.send("POST", "/tasks", { as: "bot", json: opening });
    expect([...told(byAgent), byAgent.body["reason"]]).toEqual([403, "denied", "may_not_open"]);
    const unknown = await world.send("POST", "/tasks", { as: "planner", json: { ...opening, agent: "nobody" } });
    expect([...told(unknown), unknown.body["reason"]]).toEqual([403, "denied", "unknown_agent"]);
    const orphan = await world.send("POST", "/tasks", { as: "planner", json: { ...opening, parent_task_id: nobody } });
    expect(told(orphan)).toEqual([404, "not-found"]);
    const odd = await world.send("POST", "/tasks", { as: "planner", json: { ...opening, parent_task_id: "x" } });
    expect(told(odd)).toEqual([404, "not-found"]);
  });
});

describe("who is asking", () => {
  const paths: readonly [method: string, path: string][] = [
    ["POST", "/tasks"],
    ["GET", `/tasks/${nobody}`],
    ["POST", `/tasks/${nobody}/heartbeat`],
    ["POST", `/tasks/${nobody}/end`],
    ["GET", `/leases/lea_${"0".repeat(21)}`],
    ["DELETE", `/leases/lea_${"0".repeat(21)}`],
  ];
  it.each(paths)("%s %s needs an attestation, and a good one", async (method, path) => {
    const without = await world.send(method, path);
    expect([...told(without), without.headers.get("www-authenticate")]).toEqual([
      401,
      "unauthenticated",
      'Bearer realm="mayfly"',
    ]);
    const basic = await world.send(method, path, { headers: { Authorization: "Basic Ym90OnM=" } });
    expect(told(basic)).toEqual([401, "unauthenticated"]);
    const bad = await world.send(method, path, { headers: { Authorization: "Bearer a b" } });
    expect([...told(bad), bad.body["reason"]]).toEqual([401, "attestation-refused", "malformed"]);
    const stranger = await world.send(method, path, { as: "stranger" });
    expect([...told(stranger), stranger.body["reason"]]).toEqual([401, "attestation-refused", "not_registered"]);
    const bound = await world.send(method, path, { as: "bot", headers: { DPoP: "h.p.s" } });
    expect(told(bound)).toEqual([400, "dpop-not-supported"]);
  });
});

describe("a task's own people, and everyone else", () => {
  const may: Readonly<Record<Subject, { read: number; heartbeat: number; end: number }>> = {
    bot: { read: 200, heartbeat: 200, end: 200 },
    planner: { read: 200, heartbeat: 403, end: 200 },
    desk: { read: 200, heartbeat: 403, end: 200 },
    viewer: { read: 200, heartbeat: 403, end: 404 },
    "other-bot": { read: 404, heartbeat: 404, end: 404 },
    api: { read: 404, heartbeat: 404, end: 404 },
    stranger: { read: 401, heartbeat: 401, end: 401 },
  };

  it.each(Object.entries(may))("%s", async (subject, wanted) => {
    const as = subject as Subject;
    const path = `/tasks/${await world.openTask({ heartbeat_seconds: 60 })}`;
    const statuses = {
      read: (await world.send("GET", path, { as })).status,
      heartbeat: (await world.send("POST", `${path}/heartbeat`, { as })).status,
      end: (await world.send("POST", `${path}/end`, { as, json: { outcome: "completed" } })).status,
    };
    expect(statuses).toEqual(wanted);
  });

  it("foreign, unknown and malformed ids are one answer, to the letter", async () => {
    const ids = [await world.openTask(), nobody, "nonsense", "%00", encodeURIComponent("../leases")];
    const answers = await Promise.all(ids.map((id) => world.send("GET", `/tasks/${id}`, { as: "other-bot" })));
    const [first, ...others] = answers.map(({ status, body }) => ({ status, body: { ...body, request_id: "" } }));
    expect(first?.status).toBe(404);
    for (const other of others) expect(other).toEqual(first);
  });
});

describe("POST /tasks/{id}/end", () => {
  it("tells each credential's death, and a repeat reads the first end", async () => {
    const taskId = await world.openTask();
    const issued = await world.exchange({ task_id: taskId });
    const headers = { Prefer: "wait=10" };
    const ended = await world.send("POST", `/tasks/${taskId}/end`, {
      as: "planner",
      headers,
      json: { outcome: "completed", reason: "done" },
    });
    expect(ended.headers.get("preference-applied")).toBe("wait=10");
    expect(ended.body).toMatchObject({
      task_id: taskId,
      state: "ended",
      gate: "task_ended",
      outcome: "completed",
      reason: "done",
      summary: { live: 0, dead: 1, stuck: 0 },
      leases: [
        {
          lease_id: issued.body["lease_id"],
          template: "api-read",
          provider: "own",
          state: "revoked",
          verdict: "dead-unverified",
        },
      ],
    });
    const again = await world.send("POST", `/tasks/${taskId}/end`, { as: "bot", json: { outcome: "failed" } });
    expect(again.body).toMatchObject({ outcome: "completed", ended_at: ended.body["ended_at"] });
    expect(again.headers.has("preference-applied")).toBe(false);
  });

  it.each([
    ["no outcome", {}],
    ["an outcome that only the broker finds", { outcome: "killed" }],
    ["an unknown member", { outcome: "failed", force: true }],
  ])("refuses %s and ends nothing", async (_name, json) => {
    const taskId = await world.openTask();
    expect(told(await world.send("POST", `/tasks/${taskId}/end`, { as: "bot", json }))).toEqual([
      400,
      "malformed-request",
    ]);
    expect((await world.send("GET", `/tasks/${taskId}`, { as: "bot" })).body["state"]).toBe("open");
  });
});

describe("GET /tasks/{id}", () => {
  it("with Prefer: wait answers at the next change", async () => {
    const taskId = await world.openTask();
    const waiting = world.send("GET", `/tasks/${taskId}`, { as: "bot", headers: { Prefer: "wait=20" } });
    await world.send("POST", `/tasks/${taskId}/end`, { as: "planner", json: { outcome: "cancelled" } });
    expect((await waiting).body).toMatchObject({ state: "ended", outcome: "cancelled" });
  });

  it("says closed from the instant of a deadline, before anything recorded the end", async () => {
    const clock = createManualClock();
    const own = await createWorld({ clock });
    try {
      const taskId = await own.openTask({ deadline_seconds: 60 });
      clock.advance(60_000);
      const { body } = await own.send("GET", `/tasks/${taskId}`, { as: "bot" });
      expect(body).toMatchObject({ state: "closed", gate: "deadline" });
      expect(body["outcome"]).toBeUndefined();
    } finally {
      await own.close();
    }
  });

  it("pages by after, and takes no other cursor", async () => {
    const taskId = await world.openTask();
    const { body } = await world.exchange({ task_id: taskId });
    const page = await world.send("GET", `/tasks/${taskId}?after=${String(body["lease_id"])}`, { as: "bot" });
    expect(page.body["leases"]).toEqual([]);
    expect(told(await world.send("GET", `/tasks/${taskId}?after=2`, { as: "bot" }))).toEqual([
      400,
      "malformed-request",
    ]);
  });
});

describe("POST /tasks/{id}/heartbeat", () => {
  it("moves when silence closes, never the deadline; refused once the gate is closed", async () => {
    const clock = createManualClock();
    const own = await createWorld({ clock });
    try {
      const taskId = await own.openTask({ heartbeat_seconds: 60 });
      const before = await own.send("GET", `/tasks/${taskId}`, { as: "bot" });
      clock.advance(30_000);
      const beat = await own.send("POST", `/tasks/${taskId}/heartbeat`, { as: "bot" });
      const dueAt = Date.parse(String(beat.body["heartbeat_due_at"]));
      expect(dueAt - Date.parse(String(before.body["heartbeat_due_at"]))).toBe(30_000);
      expect(beat.body["deadline_at"]).toBe(before.body["deadline_at"]);
      clock.advance(60_000);
      const late = await own.send("POST", `/tasks/${taskId}/heartbeat`, { as: "bot" });
      expect([...told(late), late.body["gate"]]).toEqual([409, "task-ended", "heartbeat_lost"]);
    } finally {
      await own.close();
    }
  });
});

describe("/leases/{id}", () => {
  it("is read and killed by its task's people", async () => {
    const { body } = await world.exchange({ task_id: await world.openTask() });
    const path = `/leases/${String(body["lease_id"])}`;
    expect((await world.send("GET", path, { as: "planner" })).body).toMatchObject({ state: "active", verdict: "live" });
    expect((await world.send("DELETE", path, { as: "bot" })).body).toMatchObject({ verdict: "pending" });
    expect(told(await world.send("GET", path, { as: "other-bot" }))).toEqual([404, "not-found"]);
    expect(told(await world.send("DELETE", "/leases/1", { as: "bot" }))).toEqual([404, "not-found"]);
  });
});
