/**
 * `POST /token`, row by row: what is well-formed and becomes which request, and each malformed request with its exact
 * error. The broker behind the refusals throws at a touch, so a row that passes proves that nothing reached it.
 */
import { HonoRequest } from "hono/request";
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import { parseForm } from "../../src/http/form.ts";
import { createPublicApp } from "../../src/http/public-app.ts";
import { parseTokenRequest } from "../../src/http/token-request.ts";
import { brand } from "../../src/kernel/brand.ts";
import type { RequestId } from "../../src/kernel/ids.ts";
import { maxBodyBytes, maxContextBytes } from "../../src/kernel/limits.ts";
import { silentLog, silentMetrics } from "../support/silent.ts";
import { exchangeForm } from "./world.ts";

const requestId = brand<RequestId>("req_0000000000000000");
const taskId = "tsk_0123456789abcdefghjkm";
const leaseId = "lea_0123456789abcdefghjkm";
const base = { subject_token: "h.p.s", ...exchangeForm };
const details = (value: unknown): string => JSON.stringify(value);
const oneDetail = { type: "mayfly_template", template: "api-read", parameters: { tenant: "apac" } };

type Form = Readonly<Record<string, string | undefined>>;

function bodyOf(form: Form): string {
  const sent = Object.entries({ ...base, ...form }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new URLSearchParams(sent).toString();
}

describe("token request: accepted", () => {
  const nothing = {
    requestId,
    template: "api-read",
    taskId: null,
    parameters: {},
    requestedTtlSeconds: null,
    replaces: null,
    idempotencyKey: null,
    clientId: null,
    audience: null,
    resource: null,
    requestedTokenType: null,
  };
  const rows: readonly [name: string, form: Form, headers: Record<string, string>, request: object][] = [
    ["the least", {}, {}, {}],
    ["a task", { task_id: taskId }, {}, { taskId }],
    ["parameters", { authorization_details: details([oneDetail]) }, {}, { parameters: { tenant: "apac" } }],
    [
      "details without parameters",
      { authorization_details: details([{ ...oneDetail, parameters: undefined }]) },
      {},
      {},
    ],
    ["a lifetime", { requested_ttl: "300" }, {}, { requestedTtlSeconds: 300 }],
    ["a successor", { replaces: leaseId }, {}, { replaces: leaseId }],
    ["a client_id", { client_id: "bot" }, {}, { clientId: "bot" }],
    ["audience and resource", { audience: "a", resource: "https://b" }, {}, { audience: "a", resource: "https://b" }],
    [
      "the token type",
      { requested_token_type: "urn:ietf:params:oauth:token-type:access_token" },
      {},
      { requestedTokenType: "urn:ietf:params:oauth:token-type:access_token" },
    ],
    ["an idempotency key", {}, { "Idempotency-Key": "c0ffee-1" }, { idempotencyKey: "c0ffee-1" }],
    ["a quoted idempotency key", {}, { "Idempotency-Key": '"c0ffee"' }, { idempotencyKey: '"c0ffee"' }],
    ["an unknown parameter", { favourite_colour: "blue" }, {}, {}],
    [
      "empty parameters, which are none",
      { task_id: "", requested_ttl: "", actor_token: "", client_secret: "" },
      {},
      {},
    ],
  ];

  it.each(rows)("%s", (_name, form, headers, request) => {
    const call = { requestId, request: new HonoRequest(new Request("https://broker.example/token", { headers })) };
    const parsed = parseForm(bodyOf(form));
    if (!parsed.ok) throw new Error("the form is malformed");
    const made = parseTokenRequest(call, parsed.value);
    if (!made.ok) throw new Error(JSON.stringify(made.fault));
    const { attestation, ...rest } = made.value;
    expect(attestation.reveal()).toBe("h.p.s");
    expect(rest).toEqual({ ...nothing, ...request });
  });
});

const untouchable = new Proxy({} as Broker, {
  get(_target, name) {
    if (name === "newRequestId") return () => requestId;
    if (name === "issuerUrl") return "https://broker.example";
    throw new Error(`the broker was asked to ${String(name)}`);
  },
});

const app = createPublicApp({ broker: untouchable, log: silentLog, metrics: silentMetrics });
const formType = { "Content-Type": "application/x-www-form-urlencoded" };

async function post(body: string, headers: Record<string, string> = formType) {
  const response = await app.request("/token", { method: "POST", body, headers });
  const { error, reason, error_description: text } = (await response.json()) as Record<string, string>;
  return { told: [response.status, error, reason], text: text ?? "", headers: response.headers };
}

type Refusal = readonly [status: number, error: string, reason?: string];

describe("token request: refused before the broker", () => {
  const malformed: Refusal = [400, "invalid_request"];
  const member = (reason: string): Refusal => [400, "invalid_request", reason];
  const badDetails = (reason: string): Refusal => [400, "invalid_authorization_details", reason];
  const rows: readonly [name: string, form: Form, refusal: Refusal, text?: string][] = [
    ["no grant_type", { grant_type: undefined }, member("missing"), "grant_type is missing"],
    ["another grant_type", { grant_type: "client_credentials" }, [400, "unsupported_grant_type"]],
    ["a grant_type in capitals", { grant_type: base.grant_type.toUpperCase() }, [400, "unsupported_grant_type"]],
    ["no subject_token", { subject_token: undefined }, member("missing"), "subject_token is missing"],
    ["an empty subject_token", { subject_token: "" }, member("missing"), "subject_token is missing"],
    [
      "no subject_token_type",
      { subject_token_type: undefined },
      member("missing"),
      "subject_token_type is missing; it must be urn:",
    ],
    ...["id_token", "access_token", "refresh_token", "saml2", "JWT"].map((type): [string, Form, Refusal, string] => [
      `${type} as subject`,
      { subject_token_type: `urn:ietf:params:oauth:token-type:${type}` },
      member("not_allowed"),
      "subject_token_type must be urn:ietf:params:oauth:token-type:jwt",
    ]),
    ["an actor_token", { actor_token: "h.p.s" }, member("not_allowed"), "actor_token is not accepted"],
    ["an actor_token_type", { actor_token_type: "x" }, member("not_allowed"), "actor_token_type is not accepted"],
    ["a client_secret", { client_secret: "s" }, [400, "invalid_client"]],
    ["a client_assertion", { client_assertion: "a" }, [400, "invalid_client"]],
    ["no scope", { scope: undefined }, member("missing"), "scope is missing"],
    ["two scopes", { scope: "api-read api-write" }, [400, "invalid_scope", "one_template_only"]],
    ["a scope that is no name", { scope: "API-READ" }, [400, "invalid_scope", "unknown_template"]],
    ["a wildcard", { scope: "*" }, [400, "invalid_scope", "unknown_template"]],
    ["a look-alike letter", { scope: "аpi-read" }, [400, "invalid_scope", "unknown_template"]],
    [
      "another requested_token_type",
      { requested_token_type: "urn:ietf:params:oauth:token-type:jwt" },
      member("not_allowed"),
    ],
    ...["0", "-1", "1.5", "1e3", "+5", "007", " 5", "1234567890", "NaN"].map((ttl): [string, Form, Refusal, string] => [
      `a lifetime of ${ttl}`,
      { requested_ttl: ttl },
      member("wrong_form"),
      "requested_ttl must be a whole number of seconds, from 1 to 999999999",
    ]),
    ...["tsk_1", "lea_0123456789abcdefghjkm", "TSK_0123456789abcdefghjkm", "' or 1=1"].map(
      (id): [string, Form, Refusal] => [`the task ${id}`, { task_id: id }, [400, "invalid_request", "not_found"]],
    ),
    ["a lease that cannot be", { replaces: "lea_1" }, [400, "invalid_request", "not_found"]],
    ["details that are no JSON", { authorization_details: "tenant=apac" }, badDetails("not_json")],
    [
      "details with a member twice",
      { authorization_details: `[{"type":"mayfly_template","type":"x"}]` },
      badDetails("not_json"),
    ],
    ["details that are an object", { authorization_details: details(oneDetail) }, badDetails("one_object_only")],
    ["no detail", { authorization_details: "[]" }, badDetails("one_object_only")],
    ["two details", { authorization_details: details([oneDetail, oneDetail]) }, badDetails("one_object_only")],
    [
      "a detail of another type",
      { authorization_details: details([{ ...oneDetail, type: "payment" }]) },
      badDetails("unknown_type"),
    ],
    [
      "an unknown member",
      { authorization_details: details([{ ...oneDetail, actions: ["*"] }]) },
      badDetails("malformed"),
    ],
    [
      "parameters that are a list",
      { authorization_details: details([{ ...oneDetail, parameters: [1] }]) },
      badDetails("malformed"),
    ],
    [
      "a fraction",
      { authorization_details: details([{ ...oneDetail, parameters: { a: 0.5 } }]) },
      badDetails("malformed"),
    ],
    [
      "an unsafe integer",
      {
        authorization_details: `[{"type":"mayfly_template","template":"api-read","parameters":{"a":9007199254740993}}]`,
      },
      badDetails("malformed"),
    ],
    [
      "details that are too long",
      { authorization_details: " ".repeat(maxContextBytes) + "[]" },
      badDetails("too_large"),
    ],
    [
      "details of another template",
      { authorization_details: details([{ ...oneDetail, template: "api-write" }]) },
      malformed,
      "scope and authorization_details name different templates",
    ],
  ];

  it.each(rows)("%s", async (_name, form, refusal, text = "") => {
    const answer = await post(bodyOf(form));
    expect(answer.told).toEqual([refusal[0], refusal[1], refusal[2]]);
    expect(answer.text).toContain(text);
  });

  const keys = ["", "two words", "a,b", "é", "k".repeat(256)];
  it.each([
    ["not_json", "tenant=apac", "must be JSON"],
    ["one_object_only", "[]", "must be a list of exactly one object"],
    ["unknown_type", details([{ ...oneDetail, type: "payment" }]), "must have type mayfly_template"],
    ["malformed", details([{ ...oneDetail, actions: ["*"] }]), "takes type, template and parameters"],
    ["too_large", " ".repeat(maxContextBytes + 1), `at most ${maxContextBytes} characters`],
  ])("details that are %s are told what they must be", async (reason, sent, text) => {
    const answer = await post(bodyOf({ authorization_details: sent }));
    expect(answer.told[2]).toBe(reason);
    expect(answer.text).toContain(text);
  });

  it.each(keys)("the idempotency key %j", async (key) => {
    const answer = await post(bodyOf({}), { ...formType, "Idempotency-Key": key });
    expect(answer.told).toEqual([400, "invalid_request", "wrong_form"]);
    expect(answer.text).toContain("Idempotency-Key must be");
  });

  const headerRows: readonly [
    name: string,
    headers: Record<string, string>,
    refusal: Refusal,
    challenge: string | null,
  ][] = [
    ["client authentication", { Authorization: "Basic Ym90OnM=" }, [401, "invalid_client"], 'Basic realm="mayfly"'],
    [
      "an attestation in the wrong place",
      { Authorization: "Bearer h.p.s" },
      [401, "invalid_client"],
      'Bearer realm="mayfly"',
    ],
    ["a DPoP proof", { DPoP: "h.p.s" }, [400, "invalid_request", "dpop_not_supported"], null],
    ["the DPoP scheme", { Authorization: "DPoP h.p.s" }, [400, "invalid_request", "dpop_not_supported"], null],
  ];
  it.each(headerRows)("%s in a header", async (_name, headers, refusal, challenge) => {
    const answer = await post(bodyOf({}), { ...formType, ...headers });
    expect(answer.told).toEqual([refusal[0], refusal[1], refusal[2]]);
    expect(answer.headers.get("www-authenticate")).toBe(challenge);
  });

  it.each(["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx"])(
    "a body of type %s",
    async (type) => {
      expect((await post(bodyOf({}), { "Content-Type": type })).told).toEqual([415, "invalid_request", undefined]);
    },
  );

  it("a parameter twice, known or not", async () => {
    expect((await post(`${bodyOf({})}&scope=api-read`)).text).toContain("parameter scope is there twice");
    expect((await post(`${bodyOf({})}&x=1&x=2`)).text).toContain("parameter x is there twice");
  });

  it("a body that is too large, whether it says so or not", async () => {
    const large = bodyOf({ subject_token: "x".repeat(maxBodyBytes) });
    const declared = { ...formType, "Content-Length": String(large.length) };
    expect((await post(large, declared)).told).toEqual([413, "invalid_request", undefined]);
    expect((await post(large)).told).toEqual([413, "invalid_request", undefined]);
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(8_192).fill(97));
      },
    });
    const response = await app.request(
      new Request("https://broker.example/token", { method: "POST", body: endless, headers: formType, duplex: "half" }),
    );
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(maxBodyBytes / 8_192 + 4);
  });

  it("a body that breaks off", async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
    const response = await app.request(
      new Request("https://broker.example/token", { method: "POST", body: broken, headers: formType, duplex: "half" }),
    );
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, "invalid_request"]);
  });

  it("the broker would have been touched by a well-formed request", async () => {
    expect((await post(bodyOf({}))).told).toEqual([500, "server_error", undefined]);
    const charset = { "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8" };
    expect((await post(bodyOf({}), charset)).told).toEqual([500, "server_error", undefined]);
  });
});
