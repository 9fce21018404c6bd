/** The operators' listener: each action by right, refused to everyone else as if the path were not there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TargetName } from "../../src/domain/names.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createWorld, type Request, type Sent, type Subject, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld({ kills: true });
});
afterAll(() => world.close());

const told = ({ status, body }: Sent) => [status, String(body["type"]).replace("https://mayfly.dev/problems/", "")];
const killOf = (scope: unknown, more: object = {}): Request => ({ json: { scope, reason: "incident 7", ...more } });

type Row = readonly [method: string, path: string, request: Request, desk: number, viewer: number];
const rows: readonly Row[] = [
  ["POST", "/admin/kill", killOf({ kind: "agent", name: "nobody" }, { dry_run: true }), 200, 404],
  ["GET", "/admin/blast-radius?scope=all", {}, 200, 200],
  ["GET", "/admin/doors", {}, 200, 200],
  ["DELETE", "/admin/doors?scope=template:none", {}, 404, 404],
  ["GET", "/admin/providers", {}, 200, 200],
  ["POST", "/admin/providers/test", { json: { provider: "nowhere", template: "api-read" } }, 400, 404],
  ["POST", "/admin/providers/drift", { json: { provider: "nowhere" } }, 404, 404],
  ["GET", "/admin/targets", {}, 200, 200],
  ["POST", "/admin/targets/pause", { json: { target: "nowhere/x" } }, 404, 404],
  ["POST", "/admin/targets/resume", { json: { target: "nowhere" } }, 404, 404],
  ["POST", "/admin/targets/retry", { json: { target: "nowhere" } }, 404, 404],
  ["GET", "/admin/stuck", {}, 200, 200],
  ["POST", "/admin/stuck/retry", { json: { scope: { kind: "all" } } }, 200, 404],
  ["POST", "/admin/stuck/retry", { json: { scope: { kind: "target", name: "nowhere" } } }, 404, 404],
  ["POST", "/admin/stuck/retry", { json: { scope: { kind: "lease", id: `lea_${"0".repeat(21)}` } } }, 404, 404],
  ["POST", "/admin/clock/accept", {}, 204, 404],
  ["GET", "/audit/entries", {}, 200, 200],
  ["GET", "/audit/head", {}, 200, 200],
  ["GET", "/metrics", {}, 200, 200],
];

describe("rights", () => {
  it.each(rows)("%s %s", async (method, path, request, desk, viewer) => {
    expect((await world.operate(method, path, { ...request, as: "desk" })).status).toBe(desk);
    expect((await world.operate(method, path, { ...request, as: "viewer" })).status).toBe(viewer);
    const absent = await world.operate("GET", "/admin/nothing-here");
    for (const as of ["bot", "planner", "api"] satisfies Subject[]) {
      const answer = await world.operate(method, path, { ...request, as });
      expect({ ...answer.body, request_id: "" }).toEqual({ ...absent.body, request_id: "" });
    }
    expect(told(await world.operate(method, path, request))).toEqual([401, "unauthenticated"]);
  });
});

describe("kill", () => {
  it("a dry run counts and changes nothing; the kill closes, its progress falls to zero, the door opens again", async () => {
    const own = await createWorld({ kills: true });
    try {
      const taskId = await own.openTask();
      await own.exchange({ task_id: taskId });
      const scope = { kind: "agent", name: "bot" };
      const counted = { scope: "agent:bot", tasks: 1, leases: 1, by_provider: { own: 1 } };
      const dry = await own.operate("POST", "/admin/kill", { as: "desk", ...killOf(scope, { dry_run: true }) });
      expect(dry.body).toEqual({ ...counted, dry_run: true });
      expect((await own.exchange({ task_id: taskId })).status).toBe(200);

      const killed = await own.operate("POST", "/admin/kill", { as: "desk", ...killOf(scope) });
      expect(killed.body).toEqual({
        ...counted,
        leases: 2,
        by_provider: { own: 2 },
        dry_run: false,
      });
      const refused = await own.exchange({ task_id: taskId });
      expect([refused.status, refused.body["error"], refused.body["reason"]]).toEqual([
        400,
        "access_denied",
        "door_closed",
      ]);
      const doors = await own.operate("GET", "/admin/doors", { as: "viewer" });
      expect(doors.body["doors"]).toMatchObject([{ scope: "agent:bot", reason: "incident 7" }]);
      const left = async () =>
        (await own.operate("GET", "/admin/blast-radius?scope=agent:bot", { as: "viewer" })).body["leases"];
      // Each round waits for a change of the task: a verdict, here.
      for (let round = 0; round < 20 && (await left()) !== 0; round += 1)
        await own.send("GET", `/tasks/${taskId}`, { as: "bot", headers: { Prefer: "wait=1" } });
      expect(await left()).toBe(0);

      expect((await own.operate("DELETE", "/admin/doors?scope=agent:bot", { as: "desk" })).status).toBe(204);
      expect((await own.operate("GET", "/admin/doors", { as: "viewer" })).body["doors"]).toEqual([]);
      expect((await own.exchange()).status).toBe(200);
    } finally {
      await own.close();
    }
  });

  it("one task is killed by its id", async () => {
    const taskId = await world.openTask();
    const killed = await world.operate("POST", "/admin/kill", { as: "desk", ...killOf({ kind: "task", id: taskId }) });
    expect(killed.body).toMatchObject({ scope: `task:${taskId}`, leases: 0 });
    expect((await world.send("GET", `/tasks/${taskId}`, { as: "bot" })).body).toMatchObject({
      state: "ended",
      outcome: "killed",
    });
  });

  const malformed: readonly [name: string, json: unknown, text: string][] = [
    ["no scope", { reason: "x" }, "scope is missing"],
    ["no reason", { scope: { kind: "all" } }, "reason is missing"],
    [
      "an unknown kind",
      { scope: { kind: "tenant", name: "x" }, reason: "x" },
      "scope.kind must be one of all, task, agent",
    ],
    ["no kind", { scope: {}, reason: "x" }, "scope.kind is missing; it must be one of all, task, agent"],
    ["a scope that is text", { scope: "all", reason: "x" }, "scope must be an object"],
    ["a scope with too much", { scope: { kind: "all", name: "bot" }, reason: "x" }, "scope.name is not known here"],
    [
      "a name that cannot be",
      { scope: { kind: "agent", name: "*" }, reason: "x" },
      "scope.name must be a resource name",
    ],
    [
      "a dry run that is text",
      { scope: { kind: "all" }, reason: "x", dry_run: "true" },
      "dry_run must be true or false",
    ],
  ];
  it.each(malformed)("refuses %s and kills nothing", async (_name, json, text) => {
    const answer = await world.operate("POST", "/admin/kill", { as: "desk", json });
    expect(told(answer)).toEqual([400, "malformed-request"]);
    expect(answer.body["detail"]).toContain(text);
    expect((await world.operate("GET", "/admin/doors", { as: "desk" })).body["doors"]).toEqual([]);
  });

  it("a task that is not there", async () => {
    const scope = (id: string) => world.operate("POST", "/admin/kill", { as: "desk", ...killOf({ kind: "task", id }) });
    expect(told(await scope("tsk_1"))).toEqual([404, "not-found"]);
    expect(told(await scope(`tsk_${"0".repeat(21)}`))).toEqual([404, "not-found"]);
  });

  it.each(["", "?scope=", "?scope=agent", "?scope=agent:", "?scope=tenant:x", "?scope=agent:B*"])(
    "a blast radius of %j is refused",
    async (query) => {
      expect(told(await world.operate("GET", `/admin/blast-radius${query}`, { as: "desk" }))).toEqual([
        400,
        "malformed-request",
      ]);
    },
  );

  it("a store that does not take the order is not called a kill", async () => {
    const around = (ledger: Ledger): Ledger => ({
      ...ledger,
      closeDoor: async () => ({ kind: "unknown", reason: "disk" }),
    });
    const own = await createWorld({ around });
    try {
      const answer = await own.operate("POST", "/admin/kill", { as: "desk", ...killOf({ kind: "all" }) });
      expect([...told(answer), answer.headers.get("retry-after")]).toEqual([503, "unavailable", "1"]);
    } finally {
      await own.close();
    }
  });
});

describe("what operators read", () => {
  it("audit of a task, in order, chained, a page at a time", async () => {
    const taskId = await world.openTask();
    await world.exchange({ task_id: taskId });
    const page = await world.operate("GET", `/audit/entries?task_id=${taskId}`, { as: "viewer" });
    const entries = page.body["entries"] as readonly Record<string, unknown>[];
    expect(entries.map(({ type }) => type)).toEqual(["task.opened", "lease.intended", "lease.activated"]);
    expect(entries[0]).toMatchObject({
      task_id: taskId,
      actor: "orchestrator:planner",
      request_id: expect.stringMatching(/^req_/),
    });
    const rest = await world.operate(
      "GET",
      `/audit/entries?task_id=${taskId}&after=${String(entries[1]?.["sequence"])}`,
      { as: "viewer" },
    );
    expect(rest.body["entries"]).toEqual([entries[2]]);
    const newest = await world.operate("GET", `/audit/entries?task_id=${taskId}&last=2`, { as: "viewer" });
    expect(newest.body["entries"]).toEqual(entries.slice(-2));
    const next = String(rest.body["next"]);
    const nothing = await world.operate("GET", `/audit/entries?task_id=${taskId}&after=${next}`, { as: "viewer" });
    expect(nothing.body).toEqual({ entries: [], next });
    expect((await world.operate("GET", "/audit/head", { as: "viewer" })).body).toHaveProperty("next");
  });

  it.each(["after=-1", "after=x", "after=1..5", "task_id=1", "last=0", "last=201", "last=-1", "last="])(
    "audit by %s is refused",
    async (query) => {
      expect(told(await world.operate("GET", `/audit/entries?${query}`, { as: "viewer" }))).toEqual([
        400,
        "malformed-request",
      ]);
    },
  );

  it("targets with their state; one is paused and resumed by its name", async () => {
    const queue = { waiting: 2, active: 1 };
    const own = await createWorld({ depths: async () => new Map([[brand<TargetName>("own"), queue]]) });
    try {
      const { body } = await own.exchange();
      await own.send("DELETE", `/leases/${String(body["lease_id"])}`, { as: "bot" });
      const paused = await own.operate("POST", "/admin/targets/pause", { as: "desk", json: { target: "own" } });
      expect(paused.body).toMatchObject({ target: "own", provider: "own", paused: true, breaker: "closed" });
      const listed = await own.operate("GET", "/admin/targets", { as: "viewer" });
      expect(listed.body["targets"]).toMatchObject([
        { target: "own", paused: true, due: 1, wake_ups_waiting: 2, wake_ups_active: 1 },
      ]);
      const resumed = await own.operate("POST", "/admin/targets/resume", { as: "desk", json: { target: "own" } });
      expect(resumed.body).toMatchObject({ paused: false });
    } finally {
      await own.close();
    }
  });

  it("metrics: to operators, and to nobody else", async () => {
    const closed = await world.operate("GET", "/metrics", { as: "viewer" });
    expect([closed.status, closed.text, closed.headers.get("content-type")]).toEqual([
      200,
      "up 1\n",
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect((await world.operate("GET", "/metrics")).status).toBe(401);
  });

  it("readiness with counts on this listener, without on the public one", async () => {
    const ready = await world.operate("GET", "/readyz");
    expect(ready.body).toMatchObject({
      ready: true,
      store: "ok",
      policy_digest: expect.any(String),
      counts: expect.any(Object),
    });
    expect((await world.send("GET", "/readyz")).body).toEqual({ ready: true, store: "ok" });
  });
});
