/** Exchange, introspection and revocation on a whole broker: who gets what, and what the answers say. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeJwt } from "jose";
import { maxAttestationBytes } from "../../src/kernel/limits.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createWorld, exchangeForm, type Subject, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const formType = { "Content-Type": "application/x-www-form-urlencoded" };
const told = ({ status, body }: { status: number; body: Readonly<Record<string, unknown>> }) => [
  status,
  body["error"],
  body["reason"],
];

async function introspect(token: unknown, as: Subject = "api") {
  const body = new URLSearchParams({ token: String(token) }).toString();
  return world.send("POST", "/introspect", { as, body, headers: formType });
}

async function revoke(form: Record<string, string>) {
  return world.send("POST", "/revoke", { body: new URLSearchParams(form).toString(), headers: formType });
}

describe("POST /token: delivered", () => {
  it("a credential of a task, told in full", async () => {
    const taskId = await world.openTask();
    const details = [{ type: "mayfly_template", template: "api-read", parameters: { tenant: "apac" } }];
    const { status, body, headers } = await world.exchange({
      task_id: taskId,
      requested_ttl: "120",
      authorization_details: JSON.stringify(details),
      client_id: "bot",
      audience: "https://api.example",
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      scope: "api-read",
      authorization_details: details,
      task_id: taskId,
      lease_id: expect.stringMatching(/^lea_/),
      ttl_bound: "requested",
      revocation: "immediate",
    });
    expect(body["expires_in"]).toBeGreaterThan(110);
    expect(body["expires_in"]).toBeLessThanOrEqual(120);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("pragma")).toBe("no-cache");
    expect(decodeJwt(String(body["access_token"]))).toMatchObject({ aud: "https://api.example", scope: "read:apac" });
  });

  it("without a task, one is opened for this exchange", async () => {
    const { status, body } = await world.exchange();
    expect([status, body["task_id"]]).toEqual([200, expect.stringMatching(/^tsk_/)]);
    const task = await world.send("GET", `/tasks/${String(body["task_id"])}`, { as: "bot" });
    expect(task.body).toMatchObject({ state: "open", gate: "open", agent: "bot" });
  });
});

describe("POST /token: refused by the broker", () => {
  const rows: readonly [name: string, form: () => Promise<Record<string, string>>, refusal: readonly unknown[]][] = [
    [
      "a forged attestation",
      async () => ({ subject_token: `${world.attest("bot").slice(0, -8)}AAAAAAAA` }),
      [400, "invalid_request", "signature"],
    ],
    [
      "an attestation for another audience",
      async () => ({ subject_token: world.attest("bot", { aud: "https://other.example" }) }),
      [400, "invalid_request", "audience"],
    ],
    [
      "an attestation that is too large",
      async () => ({ subject_token: "x".repeat(maxAttestationBytes + 1) }),
      [400, "invalid_request", "too_large"],
    ],
    [
      "someone unregistered",
      async () => ({ subject_token: world.attest("stranger") }),
      [400, "invalid_request", "not_registered"],
    ],
    [
      "an orchestrator",
      async () => ({ subject_token: world.attest("planner") }),
      [400, "access_denied", "not_an_agent"],
    ],
    ["another agent's client_id", async () => ({ client_id: "other-bot" }), [400, "invalid_client", undefined]],
    ["an unknown template", async () => ({ scope: "api-write" }), [400, "invalid_scope", "unknown_template"]],
    ["another audience", async () => ({ audience: "https://other.example" }), [400, "invalid_target", undefined]],
    ["another resource", async () => ({ resource: "https://other.example" }), [400, "invalid_target", undefined]],
    [
      "an unknown parameter value",
      async () => ({
        authorization_details: JSON.stringify([
          { type: "mayfly_template", template: "api-read", parameters: { tenant: "mars" } },
        ]),
      }),
      [400, "invalid_authorization_details", "parameters"],
    ],
    ["an unknown task", async () => ({ task_id: `tsk_${"0".repeat(21)}` }), [400, "invalid_request", "not_found"]],
    ["a malformed task id", async () => ({ task_id: "tsk_1" }), [400, "invalid_request", "not_found"]],
    [
      "a foreign task",
      async () => ({ task_id: await world.openTask({ agent: "other-bot" }) }),
      [400, "invalid_request", "not_found"],
    ],
    [
      "an unknown lease to replace",
      async () => ({ replaces: `lea_${"0".repeat(21)}` }),
      [400, "invalid_request", "not_found"],
    ],
  ];

  it.each(rows)("%s", async (_name, form, refusal) => {
    expect(told(await world.exchange(await form()))).toEqual(refusal);
  });

  it("unknown, malformed and foreign tasks are one answer, to the letter", async () => {
    const foreign = await world.openTask({ agent: "other-bot" });
    const answers = await Promise.all(
      [foreign, `tsk_${"0".repeat(21)}`, "nonsense"].map((task_id) => world.exchange({ task_id })),
    );
    const [first, ...others] = answers.map(({ status, body }) => ({ status, body: { ...body, request_id: "" } }));
    for (const other of others) expect(other).toEqual(first);
  });

  it("an owner's ended task says so, a stranger's does not", async () => {
    const taskId = await world.openTask();
    await world.send("POST", `/tasks/${taskId}/end`, { as: "planner", json: { outcome: "completed" } });
    expect(told(await world.exchange({ task_id: taskId }))).toEqual([400, "access_denied", "task_ended"]);
    const stranger = { subject_token: world.attest("other-bot"), task_id: taskId };
    expect(told(await world.exchange(stranger))).toEqual([400, "invalid_request", "not_found"]);
  });

  it("a full limit names itself and when to come back", async () => {
    const taskId = await world.openTask();
    for (let count = 0; count < 3; count += 1) expect((await world.exchange({ task_id: taskId })).status).toBe(200);
    const full = await world.exchange({ task_id: taskId });
    expect(told(full)).toEqual([429, "temporarily_unavailable", "limit_reached"]);
    expect([full.body["limit"], full.headers.get("retry-after")]).toEqual(["liveLeasesPerTask", "10"]);
  });

  it("an idempotency key is answered once, and tells which credential it killed", async () => {
    const taskId = await world.openTask();
    const key = { "Idempotency-Key": "once" };
    const first = await world.exchange({ task_id: taskId }, key);
    expect(first.status).toBe(200);
    const again = await world.exchange({ task_id: taskId }, key);
    expect(told(again)).toEqual([400, "invalid_request", "already_delivered"]);
    expect(again.body["lease_id"]).toBe(first.body["lease_id"]);
    expect((await introspect(first.body["access_token"])).body).toEqual({ active: false });
    expect(told(await world.exchange({ task_id: taskId, requested_ttl: "9" }, key))).toEqual([
      400,
      "invalid_request",
      "key_reused",
    ]);
  });
});

describe("POST /token: a client that is gone", () => {
  it("before the answer: nothing is delivered and the credential dies", async () => {
    const gone = new AbortController();
    const around = (ledger: Ledger): Ledger => ({
      ...ledger,
      completeMint: async (command) => {
        const answer = await ledger.completeMint(command);
        gone.abort();
        return answer;
      },
    });
    const own = await createWorld({ around });
    try {
      const body = new URLSearchParams({ ...exchangeForm, subject_token: own.attest("bot") }).toString();
      const request = new Request("https://broker.example/token", {
        method: "POST",
        body,
        headers: formType,
        signal: gone.signal,
      });
      const response = await own.public.request(request);
      expect([response.status, await response.json()]).toMatchObject([503, { reason: "client_gone" }]);
      const { entries } = await own.ledger.listAudit({ taskId: null, after: null, limit: 100 });
      expect(entries.map(({ type }) => type)).toContain("lease.activated");
      expect(entries.at(-1)).toMatchObject({ type: "lease.due", data: { cause: "undelivered" } });
    } finally {
      await own.close();
    }
  });

  it("while the answer is written: the credential dies; after it: it lives", async () => {
    const own = await createWorld();
    try {
      const dueAfter = async (abortsInTime: boolean) => {
        const client = new AbortController();
        const body = new URLSearchParams({ ...exchangeForm, subject_token: own.attest("bot") }).toString();
        const request = new Request("https://broker.example/token", {
          method: "POST",
          body,
          headers: formType,
          signal: client.signal,
        });
        const response = await own.public.request(request);
        const { lease_id: leaseId } = (await response.json()) as { lease_id: string };
        if (abortsInTime) client.abort();
        await own.ledger.health();
        const { entries } = await own.ledger.listAudit({ taskId: null, after: null, limit: 100 });
        return entries.filter((entry) => entry.leaseId === leaseId && entry.type === "lease.due").length;
      };
      expect(await dueAfter(true)).toBe(1);
      expect(await dueAfter(false)).toBe(0);
    } finally {
      await own.close();
    }
  });
});

describe("POST /introspect", () => {
  it("active for a resource server of its audience, with the token's claims", async () => {
    const { body } = await world.exchange();
    const found = await introspect(body["access_token"]);
    expect(found.status).toBe(200);
    expect(found.body).toMatchObject({
      active: true,
      token_type: "Bearer",
      aud: "https://api.example",
      client_id: "bot",
    });
  });

  it("inactive in the moment that the task ends", async () => {
    const taskId = await world.openTask();
    const { body } = await world.exchange({ task_id: taskId });
    expect((await introspect(body["access_token"])).body["active"]).toBe(true);
    await world.send("POST", `/tasks/${taskId}/end`, { as: "planner", json: { outcome: "failed" } });
    expect((await introspect(body["access_token"])).body).toEqual({ active: false });
  });

  it.each(["nonsense", "h.p.s"])("inactive for %s", async (token) => {
    expect((await introspect(token)).body).toEqual({ active: false });
  });

  it("refused without, with a bad, and with another's attestation (RFC 6750)", async () => {
    const body = "token=x";
    const without = await world.send("POST", "/introspect", { body, headers: formType });
    expect([...told(without), without.headers.get("www-authenticate")]).toEqual([
      401,
      "invalid_token",
      undefined,
      'Bearer realm="mayfly"',
    ]);
    const bad = await world.send("POST", "/introspect", { body, headers: { ...formType, Authorization: "Bearer x" } });
    expect(told(bad)).toEqual([401, "invalid_token", "malformed"]);
    expect(bad.headers.get("www-authenticate")).toContain('error="invalid_token"');
    const agent = await introspect("x", "bot");
    expect(told(agent)).toEqual([403, "access_denied", "not_a_resource"]);
    const empty = await world.send("POST", "/introspect", { as: "api", body: "token=", headers: formType });
    expect([...told(empty), empty.body["member"]]).toEqual([400, "invalid_request", "missing", "token"]);
  });
});

describe("POST /revoke", () => {
  it("kills the credential of whoever holds it, with no more proof", async () => {
    const { body } = await world.exchange();
    const answer = await revoke({
      token: String(body["access_token"]),
      token_type_hint: "refresh_token",
      client_secret: "x",
    });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect((await introspect(body["access_token"])).body).toEqual({ active: false });
    const lease = await world.send("GET", `/leases/${String(body["lease_id"])}`, { as: "bot" });
    expect(lease.body).toMatchObject({ state: "revoking", verdict: "pending" });
  });

  it("answers an unknown token alike, and a missing one not", async () => {
    expect((await revoke({ token: "nonsense" })).status).toBe(200);
    expect(told(await revoke({ hint: "nonsense" }))).toEqual([400, "invalid_request", "missing"]);
    const twice = await world.send("POST", "/revoke", { body: "token=a&token=b", headers: formType });
    expect(told(twice)).toEqual([400, "invalid_request", undefined]);
  });

  it("does not say revoked when the store did not take the order", async () => {
    const around = (ledger: Ledger): Ledger => ({
      ...ledger,
      makeDue: async () => ({ kind: "unknown", reason: "disk" }),
    });
    const own = await createWorld({ around });
    try {
      const { body } = await own.exchange();
      const answer = await own.send("POST", "/revoke", {
        body: `token=${String(body["access_token"])}`,
        headers: formType,
      });
      expect([...told(answer), answer.headers.get("retry-after")]).toEqual([
        503,
        "temporarily_unavailable",
        "store",
        "1",
      ]);
    } finally {
      await own.close();
    }
  });
});

describe("time", () => {
  it("expires_in is what is left, rounded down, and the bound that won is named", async () => {
    const clock = createManualClock();
    const own = await createWorld({ clock });
    try {
      const taskId = await own.openTask({ deadline_seconds: 200 });
      clock.advance(50_500);
      const { body } = await own.exchange({ task_id: taskId });
      const { exp = 0 } = decodeJwt(String(body["access_token"]));
      const left = Math.floor((exp * 1000 - clock.now()) / 1000);
      expect([body["expires_in"], body["ttl_bound"]]).toEqual([left, "task_deadline"]);
      expect(left).toBeLessThanOrEqual(149);
    } finally {
      await own.close();
    }
  });
});
