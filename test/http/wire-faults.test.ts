/** Every fault, as every kind of endpoint tells it: the table is complete by type, and each line of it by test. */
import { describe, expect, it } from "vitest";
import type { UnavailableReason } from "../../src/broker/fault.ts";
import type { GateReason } from "../../src/domain/gate.ts";
import type { HttpFault, HttpFaultCode } from "../../src/http/request-fault.ts";
import { refuse, type FaultShape } from "../../src/http/respond.ts";
import { wireFault } from "../../src/http/wire-faults.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { LeaseId, RequestId } from "../../src/kernel/ids.ts";
import { seconds } from "../../src/kernel/time.ts";

const leaseId = brand<LeaseId>("lea_000000000000000000000");
const requestId = brand<RequestId>("req_0000000000000000");
/** Stands for what may never reach the wire. */
const secretDetail = "guardrail no-prod: when is false";

type Row<C extends HttpFaultCode> = {
  readonly fault: Extract<HttpFault, { code: C }>;
  /** Status on /token, `error` there; status elsewhere, problem type there. */
  readonly wire: readonly [token: number, error: string, problem: number, type: string];
  readonly reason?: string;
};

const rows: { readonly [C in HttpFaultCode]: Row<C> } = {
  malformed: {
    fault: { code: "malformed", message: "agent is missing" },
    wire: [400, "invalid_request", 400, "malformed-request"],
  },
  invalid_member: {
    fault: { code: "invalid_member", member: "agent", why: "missing", text: "is missing" },
    wire: [400, "invalid_request", 400, "malformed-request"],
    reason: "missing",
  },
  attestation_refused: {
    fault: { code: "attestation_refused", why: "signature" },
    wire: [400, "invalid_request", 401, "attestation-refused"],
    reason: "signature",
  },
  not_registered: {
    fault: { code: "not_registered" },
    wire: [400, "invalid_request", 401, "attestation-refused"],
    reason: "not_registered",
  },
  unauthenticated: { fault: { code: "unauthenticated" }, wire: [400, "invalid_request", 401, "unauthenticated"] },
  client_authentication: {
    fault: { code: "client_authentication", scheme: "Basic" },
    wire: [401, "invalid_client", 401, "client-authentication"],
  },
  foreign_client: { fault: { code: "foreign_client" }, wire: [400, "invalid_client", 400, "foreign-client"] },
  dpop_not_supported: {
    fault: { code: "dpop_not_supported" },
    wire: [400, "invalid_request", 400, "dpop-not-supported"],
    reason: "dpop_not_supported",
  },
  unsupported_grant_type: {
    fault: { code: "unsupported_grant_type" },
    wire: [400, "unsupported_grant_type", 400, "unsupported-grant-type"],
  },
  invalid_scope: {
    fault: { code: "invalid_scope", why: "unknown_template", detail: secretDetail },
    wire: [400, "invalid_scope", 400, "invalid-scope"],
    reason: "unknown_template",
  },
  invalid_target: {
    fault: { code: "invalid_target", detail: secretDetail },
    wire: [400, "invalid_target", 400, "invalid-target"],
  },
  invalid_details: {
    fault: { code: "invalid_details", why: "unknown_type", detail: secretDetail },
    wire: [400, "invalid_authorization_details", 400, "invalid-authorization-details"],
    reason: "unknown_type",
  },
  denied: {
    fault: { code: "denied", why: "guardrail", detail: secretDetail },
    wire: [400, "access_denied", 403, "denied"],
    reason: "guardrail",
  },
  not_found: { fault: { code: "not_found" }, wire: [400, "invalid_request", 404, "not-found"], reason: "not_found" },
  no_such_path: {
    fault: { code: "no_such_path" },
    wire: [400, "invalid_request", 404, "not-found"],
    reason: "not_found",
  },
  task_closed: {
    fault: { code: "task_closed", gate: "task_ended", taskId: null },
    wire: [400, "access_denied", 409, "task-ended"],
    reason: "task_ended",
  },
  limit_reached: {
    fault: { code: "limit_reached", limit: "liveLeasesPerTask", retryAfterSeconds: seconds(10) },
    wire: [429, "temporarily_unavailable", 429, "limit-reached"],
    reason: "limit_reached",
  },
  replayed: { fault: { code: "replayed" }, wire: [400, "invalid_request", 400, "replayed"], reason: "replayed" },
  key_reused: {
    fault: { code: "key_reused" },
    wire: [400, "invalid_request", 409, "idempotency-key-reused"],
    reason: "key_reused",
  },
  already_delivered: {
    fault: { code: "already_delivered", leaseId },
    wire: [400, "invalid_request", 409, "already-delivered"],
    reason: "already_delivered",
  },
  unavailable: {
    fault: { code: "unavailable", why: "store", retryAfterSeconds: seconds(1) },
    wire: [503, "temporarily_unavailable", 503, "unavailable"],
    reason: "store",
  },
  media_type: {
    fault: { code: "media_type", expected: "application/json" },
    wire: [415, "invalid_request", 415, "unsupported-media-type"],
  },
  too_large: { fault: { code: "too_large", maxBytes: 65_536 }, wire: [413, "invalid_request", 413, "too-large"] },
  client_gone: {
    fault: { code: "client_gone" },
    wire: [503, "temporarily_unavailable", 503, "client-gone"],
    reason: "client_gone",
  },
  method_not_allowed: {
    fault: { code: "method_not_allowed", allow: "POST, OPTIONS" },
    wire: [405, "invalid_request", 405, "method-not-allowed"],
  },
  internal: { fault: { code: "internal" }, wire: [500, "server_error", 500, "internal"] },
};

const unavailableReasons: Readonly<Record<UnavailableReason, null>> = {
  store: null,
  suspended: null,
  kill_path_broken: null,
  provider: null,
  mint_outcome_unknown: null,
  over_before_answer: null,
  request_in_flight: null,
  keys_unavailable: null,
  policy: null,
};

const gateReasons: Readonly<Record<GateReason, "task_ended" | "door_closed">> = {
  task_ended: "task_ended",
  deadline: "task_ended",
  heartbeat_lost: "task_ended",
  restored: "task_ended",
  door_closed: "door_closed",
};

async function told(fault: HttpFault, shape: FaultShape) {
  const response = refuse(fault, shape, requestId);
  return { response, body: (await response.json()) as Record<string, unknown> };
}

const named = Object.values(rows).map((row) => ({ code: row.fault.code, ...row }));

describe("wire faults: on /token and /revoke (RFC 6749 §5.2)", () => {
  it.each(named)("$code", async ({ fault, wire, reason }) => {
    const { response, body } = await told(fault, "token");
    expect([response.status, body["error"]]).toEqual([wire[0], wire[1]]);
    expect(body["reason"]).toBe(reason);
    expect(body["request_id"]).toBe(requestId);
    // The characters that the RFC allows, and something in them.
    expect(body["error_description"]).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{20,}$/);
    expect(response.headers.get("content-type")).toBe("application/json");
  });
});

describe("wire faults: elsewhere (RFC 9457)", () => {
  it.each(named)("$code", async ({ fault, wire, reason }) => {
    const { response, body } = await told(fault, "problem");
    expect([response.status, body["status"], body["type"]]).toEqual([
      wire[2],
      wire[2],
      `https://mayfly.dev/problems/${wire[3]}`,
    ]);
    expect(body["reason"]).toBe(reason);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("wire faults: every answer", () => {
  const shapes: readonly FaultShape[] = ["token", "bearer", "problem"];
  const all = named.flatMap((row) => shapes.map((shape) => ({ ...row, shape })));

  it.each(all)(
    "$code as $shape: headers that its status demands, and nothing of its detail",
    async ({ fault, shape }) => {
      const { response, body } = await told(fault, shape);
      const { status, headers } = response;
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-request-id")).toBe(requestId);
      expect(headers.has("www-authenticate")).toBe(status === 401);
      expect(headers.has("retry-after")).toBe(status === 429 || status === 503);
      expect(headers.has("allow")).toBe(status === 405);
      expect(JSON.stringify(body)).not.toContain(secretDetail);
    },
  );

  it("a refused bearer token has its own code (RFC 6750 §3.1)", async () => {
    const { response, body } = await told({ code: "attestation_refused", why: "expired" }, "bearer");
    expect([response.status, body["error"]]).toEqual([401, "invalid_token"]);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="mayfly", error="invalid_token"');
  });

  it("a client secret in the body is refused with 400, in the header with 401", async () => {
    const inBody = await told({ code: "client_authentication", scheme: null }, "token");
    expect([inBody.response.status, inBody.body["error"]]).toEqual([400, "invalid_client"]);
    const inHeader = await told({ code: "client_authentication", scheme: "Basic" }, "token");
    expect(inHeader.response.headers.get("www-authenticate")).toBe('Basic realm="mayfly"');
  });

  it.each(Object.keys(unavailableReasons))("unavailable for %s has words of its own", (why) => {
    const fault: HttpFault = { code: "unavailable", why: why as UnavailableReason, retryAfterSeconds: seconds(3) };
    expect(wireFault(fault)).toMatchObject({ reason: why, headers: { "Retry-After": "3" } });
    const others = Object.keys(unavailableReasons).filter((other) => other !== why);
    const textOf = (other: string) => wireFault({ ...fault, why: other as UnavailableReason }).text;
    expect(others.map(textOf)).not.toContain(wireFault(fault).text);
  });

  it.each(Object.entries(gateReasons))(
    "a gate closed by %s is told as %s, and which gate beside it",
    (gate, reason) => {
      const wire = wireFault({ code: "task_closed", gate: gate as GateReason, taskId: null });
      expect(wire).toMatchObject({ reason, members: { gate } });
    },
  );

  it("unknown, foreign and absent things are one answer", () => {
    expect(wireFault({ code: "not_found" })).toEqual(wireFault({ code: "no_such_path" }));
  });

  it("a name that a caller sent cannot break out of the text", async () => {
    const { body } = await told({ code: "malformed", message: 'member "\\\u0007é\n' }, "token");
    expect(body["error_description"]).toMatch(/^member '\?{4}\. Nothing was changed/);
  });
});
