/** What holds for every path: ids, headers, methods, unknown paths, discovery, health, and bugs that stay inside. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { ok } from "../../src/kernel/result.ts";
import type { Log, LogFields } from "../../src/ports/log.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Labels } from "../../src/ports/metrics.ts";
import { silentLog, silentMetrics } from "../support/silent.ts";
import { createWorld, type World } from "./world.ts";

const counted: string[] = [];
const logged: { event: string; fields: LogFields }[] = [];
const keep = (event: string, fields: LogFields = {}) => void logged.push({ event, fields });
const log: Log = { info: keep, warn: keep, error: keep };
const metrics = {
  ...silentMetrics,
  count: (name: string, labels: Labels = {}) => {
    if (name === "mayfly_http_requests_total") counted.push(`${labels["route"]} ${labels["status_class"]}`);
  },
};

let world: World;
beforeAll(async () => {
  world = await createWorld({ log, metrics });
});
afterAll(() => world.close());

describe("every answer", () => {
  const requests: readonly [method: string, path: string, status: number][] = [
    ["GET", "/livez", 200],
    ["GET", "/tasks/x", 401],
    ["GET", "/nothing", 404],
    ["PUT", "/token", 405],
    ["OPTIONS", "/token", 204],
    ["POST", "/revoke", 415],
  ];
  it.each(requests)(
    "%s %s has an id of its own and may not be cached, framed, sniffed or shared",
    async (method, path, status) => {
      const { headers, ...sent } = await world.send(method, path, {
        headers: { "X-Request-Id": "forged", Origin: "https://evil.example" },
      });
      expect(sent.status).toBe(status);
      expect(headers.get("x-request-id")).toMatch(/^req_[0-9a-z]{16}$/);
      expect(sent.body["request_id"]).toBe(status >= 400 ? headers.get("x-request-id") : undefined);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
    },
  );
});

describe("methods and paths", () => {
  it.each([
    ["/token", "POST, OPTIONS"],
    ["/tasks/tsk_x", "GET, HEAD, OPTIONS"],
    ["/leases/lea_x", "GET, DELETE, HEAD, OPTIONS"],
    ["/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS"],
    ["/.well-known/openid-configuration", "GET, HEAD, OPTIONS"],
  ])("%s takes %s", async (path, allow) => {
    const wrong = await world.send("PATCH", path);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, allow]);
    const options = await world.send("OPTIONS", path);
    expect([options.status, options.headers.get("allow"), options.text]).toEqual([204, allow, ""]);
  });

  it("a wrong method is told in the shape of its path", async () => {
    expect((await world.send("GET", "/token")).body["error"]).toBe("invalid_request");
    expect((await world.send("DELETE", "/tasks")).body["type"]).toBe("https://mayfly.dev/problems/method-not-allowed");
  });

  it.each(["/", "/token/", "/TOKEN", "/tasks/", "/tasks//end", "/admin/kill", "/metrics", "/tasks/a/b"])(
    "%s is not there",
    async (path) => {
      const answer = await world.send("GET", path);
      expect([answer.status, answer.body["type"]]).toEqual([404, "https://mayfly.dev/problems/not-found"]);
    },
  );

  it("HEAD is GET without its body", async () => {
    const head = await world.send("HEAD", "/livez");
    expect([head.status, head.text]).toEqual([200, ""]);
    expect((await world.send("HEAD", "/token")).status).toBe(405);
  });
});

describe("discovery and health", () => {
  it("metadata (RFC 8414) from the issuer, whatever the Host says", async () => {
    const { body } = await world.send("GET", "/.well-known/oauth-authorization-server", {
      headers: { Host: "evil.example" },
    });
    expect(body).toEqual({
      issuer: "https://broker.example",
      token_endpoint: "https://broker.example/token",
      revocation_endpoint: "https://broker.example/revoke",
      introspection_endpoint: "https://broker.example/introspect",
      jwks_uri: "https://broker.example/jwks",
      grant_types_supported: ["urn:ietf:params:oauth:grant-type:token-exchange"],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ["none"],
      revocation_endpoint_auth_methods_supported: ["none"],
      introspection_endpoint_auth_methods_supported: ["Bearer"],
      authorization_details_types_supported: ["mayfly_template"],
    });
  });

  it("public keys only", async () => {
    const { body } = await world.send("GET", "/jwks");
    const keys = body["keys"] as readonly Record<string, unknown>[];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(key).not.toHaveProperty("d");
  });

  it("not ready, but alive, when the store is suspended or gone", async () => {
    for (const [health, store] of [
      [async (ledger: Ledger) => ({ ...(await ledger.health()), suspended: "disk_full" as const }), "disk_full"],
      [async () => Promise.reject(new Error("gone")), "unreachable"],
    ] as const) {
      const own = await createWorld({ around: (ledger) => ({ ...ledger, health: () => health(ledger) }) });
      try {
        const ready = await own.send("GET", "/readyz");
        expect([ready.status, ready.body, ready.headers.get("retry-after")]).toEqual([
          503,
          { ready: false, store },
          "5",
        ]);
        expect((await own.operate("GET", "/readyz")).status).toBe(503);
        expect((await own.send("GET", "/livez")).status).toBe(200);
      } finally {
        await own.close();
      }
    }
  });
});

describe("inside", () => {
  const secret = "canary-5f1c";
  const bug = () => Promise.reject(new TypeError(`cannot read ${secret}`));
  const endpoint = { method: "get", operation: "bug", summary: "", shape: "problem", access: "anyone" } as const;

  it("a bug is a 500 without a word of it, and the log has its place but not its message", async () => {
    logged.length = 0;
    const app = createApp([{ ...endpoint, path: "/bug", answers: {}, handle: bug }], {
      broker: world.broker,
      log,
      metrics,
    });
    const response = await app.request("/bug");
    const text = await response.text();
    expect([response.status, text.includes(secret)]).toEqual([500, false]);
    const line = logged.find(({ event }) => event === "request_failed");
    expect(line?.fields).toMatchObject({ error: "TypeError", request: response.headers.get("x-request-id") });
    expect(String(line?.fields["at"])).toContain("app.test.ts");
    expect(JSON.stringify(logged)).not.toContain(secret);
  });

  it("a bug half-way through an answer of lines breaks it off, and is logged the same way", async () => {
    logged.length = 0;
    const lines = async (tell: (line: object) => void) => {
      tell({ line: 1 });
      await bug();
    };
    const handle = () => Promise.resolve(ok({ status: 200, lines }));
    const app = createApp([{ ...endpoint, path: "/lines", answers: {}, handle }], {
      broker: world.broker,
      log,
      metrics,
    });
    const response = await app.request("/lines");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    await expect(response.text()).rejects.toThrow("the answer broke off");
    expect(logged).toMatchObject([{ event: "request_failed", fields: { route: "GET /lines", error: "TypeError" } }]);
    expect(JSON.stringify(logged)).not.toContain(secret);
  });

  it("refusals are logged with their reason and without what was sent", async () => {
    const sent = "canary-77e0";
    logged.length = 0;
    await world.exchange({ scope: "api-write" });
    const doubled = await world.send("POST", "/token", {
      body: `${sent}=1&${sent}=2`,
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    expect(doubled.body["error_description"]).toContain(sent);
    const attestation = world.attest("stranger");
    await world.send("GET", "/tasks/x", { headers: { Authorization: `Bearer ${attestation}` } });
    const lines = logged
      .filter(({ event }) => event === "request_refused")
      .map(({ fields }) => [fields["route"], fields["code"], fields["why"]]);
    expect(lines).toEqual([
      ["POST /token", "invalid_scope", "unknown_template"],
      ["POST /token", "malformed", undefined],
      ["GET /tasks/{id}", "not_registered", undefined],
    ]);
    expect(JSON.stringify(logged)).not.toContain(sent);
    expect(JSON.stringify(logged)).not.toContain(attestation.slice(0, 40));
  });

  it("requests are counted by endpoint and class, never by what was asked for", async () => {
    counted.length = 0;
    await world.send("GET", "/livez");
    await world.exchange({ scope: "api-write" });
    await world.send("GET", "/tasks/tsk_secret", { as: "bot" });
    await world.send("GET", "/made-up");
    await world.send("PUT", "/token");
    expect(counted).toEqual(["GET /livez 2xx", "POST /token 4xx", "GET /tasks/{id} 4xx", "other 4xx", "other 4xx"]);
  });

  it("an app without endpoints answers too", async () => {
    const app = createApp([], { broker: world.broker, log: silentLog, metrics: silentMetrics });
    expect((await app.request("/")).status).toBe(404);
  });
});
