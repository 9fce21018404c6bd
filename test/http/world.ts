/** A composed broker with one of each kind of caller, and requests whose every answer is held against the document. */
import { compose, type Composed, type Wish } from "../support/compose.ts";
import { createDocumentCheck, type DocumentCheck } from "./document-check.ts";

export const policy = `apiVersion: mayfly.dev/v1
kind: TrustedIssuer
metadata: { name: prod }
spec:
  issuer: ISSUER
  audience: https://broker.example
  algorithms: [ES256]
  keys: { discovery: true }
  maxLifetimeSeconds: 3600
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: bot }
spec: { role: agent, identity: { issuer: prod, subject: bot }, owners: { businessApprover: cfo, technicalCustodian: it } }
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: other-bot }
spec: { role: agent, identity: { issuer: prod, subject: other-bot }, owners: { businessApprover: cfo, technicalCustodian: it } }
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: planner }
spec:
  role: orchestrator
  identity: { issuer: prod, subject: planner }
  owners: { businessApprover: cfo, technicalCustodian: it }
  mayOpenFor: { agents: ["*"], templates: ["*"] }
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: api }
spec:
  role: resource
  identity: { issuer: prod, subject: api }
  owners: { businessApprover: cfo, technicalCustodian: it }
  audiences: [https://api.example]
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: desk }
spec:
  role: operator
  identity: { issuer: prod, subject: desk }
  owners: { businessApprover: ciso, technicalCustodian: soc }
  may: [read, kill, policy]
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: viewer }
spec:
  role: operator
  identity: { issuer: prod, subject: viewer }
  owners: { businessApprover: ciso, technicalCustodian: soc }
  may: [read]
---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: own }
spec: { type: jwt }
---
apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: api-read }
spec:
  provider: own
  agents: ["*"]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 300, maxSeconds: 900 }
  parameters:
    tenant: { type: string, enum: [emea, apac], default: emea }
  scope: { audience: https://api.example, scopes: ["read:\${parameters.tenant}"], introspected: true }
  limits: { liveLeasesPerTask: 3 }
  autoTask: true
`;

export type Subject = "bot" | "other-bot" | "planner" | "api" | "desk" | "viewer" | "stranger";

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Request {
  readonly as?: Subject;
  readonly json?: unknown;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface World extends Composed {
  send(method: string, path: string, request?: Request): Promise<Sent>;
  operate(method: string, path: string, request?: Request): Promise<Sent>;
  /** POST /token as `bot`, well-formed unless told; an undefined parameter is left out. */
  exchange(
    form?: Readonly<Record<string, string | undefined>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Sent>;
  /** A task of `bot` opened by `planner`. */
  openTask(more?: Readonly<Record<string, unknown>>): Promise<string>;
}

export const exchangeForm = {
  grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  scope: "api-read",
} as const;

export async function createWorld(wish: Partial<Wish> = {}): Promise<World> {
  const composed = await compose({ policy, ...wish });
  const checks = {
    public: await createDocumentCheck(composed.public),
    admin: await createDocumentCheck(composed.admin),
  };
  const sender =
    (app: "public" | "admin") =>
    (method: string, path: string, request: Request = {}): Promise<Sent> =>
      sendTo({ composed, app, check: checks[app], method, path, request });
  const send = sender("public");
  return {
    ...composed,
    send,
    operate: sender("admin"),
    exchange: (form = {}, headers = {}) => {
      const all = { subject_token: composed.attest("bot"), ...exchangeForm, ...form };
      const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const type = { "Content-Type": "application/x-www-form-urlencoded" };
      return send("POST", "/token", { body: new URLSearchParams(sent).toString(), headers: { ...type, ...headers } });
    },
    async openTask(more = {}) {
      const body = { agent: "bot", templates: [{ template: "api-read" }], deadline_seconds: 600, ...more };
      const opened = await send("POST", "/tasks", { as: "planner", json: body });
      return String(opened.body["task_id"]);
    },
  };
}

interface Sending {
  readonly composed: Composed;
  readonly app: "public" | "admin";
  readonly check: DocumentCheck;
  readonly method: string;
  readonly path: string;
  readonly request: Request;
}

async function sendTo({ composed, app, check, method, path, request }: Sending): Promise<Sent> {
  const { as, json, body = json === undefined ? null : JSON.stringify(json), headers = {} } = request;
  const response = await composed[app].request(path, {
    method,
    body,
    headers: {
      ...(as !== undefined && { Authorization: `Bearer ${composed.attest(as)}` }),
      ...(json !== undefined && { "Content-Type": "application/json" }),
      ...headers,
    },
  });
  const text = await response.text();
  if (method !== "HEAD" && method !== "OPTIONS")
    check.check({ method, path: path.split("?")[0] ?? "" }, response, text);
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "") && text !== "";
  const parsed: unknown = isJson ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, body: parsed as Sent["body"], text };
}
