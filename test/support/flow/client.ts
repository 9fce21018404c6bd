/** Requests to a broker over HTTP, as its callers make them, and what it answers. */
import type { Servers } from "./servers.ts";
import { brokerAudience } from "./policy.ts";
import { realClock } from "../real-clock.ts";

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

/** Every member that flows look at; what an answer does not have is undefined. */
export interface Body {
  readonly access_token?: string;
  readonly issued_token_type?: string;
  readonly token_type?: string;
  /** Of a structured credential: `type`, and what its kind has. */
  readonly credential?: Readonly<Record<string, unknown>>;
  readonly expires_in?: number;
  readonly ttl_bound?: string;
  readonly task_id?: string;
  readonly lease_id?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly reason?: string;
  readonly gate?: string;
  readonly limit?: string;
  readonly type?: string;
  readonly active?: boolean;
  readonly state?: string;
  readonly verdict?: string;
  readonly outcome?: string;
  readonly ended_at?: string;
  readonly deadline_at?: string;
  readonly heartbeat_due_at?: string | null;
  readonly summary?: { readonly live: number; readonly dead: number; readonly stuck: number };
  readonly leases?: readonly LeaseLine[] & number;
  readonly next?: string;
  readonly entries?: readonly AuditLine[];
  readonly doors?: readonly { readonly scope: string; readonly reason: string; readonly expanding: boolean }[];
  readonly targets?: readonly TargetLine[];
  readonly tasks?: number;
  readonly by_provider?: Readonly<Record<string, number>>;
  readonly sequence?: number;
  readonly ready?: boolean;
  readonly store?: string;
  readonly policy_digest?: string;
  readonly counts?: {
    readonly open_tasks: number;
    readonly live_leases: number;
    readonly stuck_leases: number;
  };
}

export interface LeaseLine {
  readonly lease_id: string;
  readonly template: string;
  readonly provider: string;
  readonly state: string;
  readonly verdict: string;
  readonly attempts: number;
  readonly dead_at?: string;
  readonly next_attempt_at?: string;
  readonly usable_until?: string;
  readonly reason?: string;
}

export interface AuditLine {
  readonly shard: number;
  readonly sequence: number;
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly lease_id: string | null;
  readonly actor: string;
  readonly request_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

export interface TargetLine {
  readonly target: string;
  readonly breaker: string;
  readonly due: number;
}

export interface Request {
  /** Who calls; nobody unless told. */
  readonly as?: string;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Wish {
  readonly as?: string;
  readonly attestation?: string;
  readonly task?: string;
  readonly template?: string;
  readonly parameters?: object;
  readonly key?: string;
  readonly more?: Readonly<Record<string, string>>;
}

export interface BrokerClient {
  send(method: string, path: string, request?: Request): Promise<Sent>;
  /** The same on the operators' listener. */
  operate(method: string, path: string, request?: Request): Promise<Sent>;
  /** `POST /token`, as `bot` for `ledger-read` unless told. */
  exchange(wish?: Wish): Promise<Sent>;
  /** The same where it must succeed. */
  issue(wish?: Wish): Promise<Issued>;
  /** A task of `bot` for everything, opened by `planner`, unless told. */
  openTask(more?: Readonly<Record<string, unknown>>, opener?: string): Promise<string>;
  end(task: string, wish?: { as?: string; waitSeconds?: number; outcome?: string }): Promise<Sent>;
  /** Every lease of a task, page by page. */
  leasesOf(task: string, as?: string): Promise<readonly LeaseLine[]>;
  /** Every audit entry, or those of a task, page by page. */
  audit(task?: string): Promise<readonly AuditLine[]>;
  /** A good attestation of this subject; the same one for a while. */
  attest(subject: string): Promise<string>;
}

export interface Issued {
  readonly token: string;
  readonly lease: string;
  readonly task: string;
}

export const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
export const jwtType = "urn:ietf:params:oauth:token-type:jwt";
export const everyTemplate = [
  "ledger-read",
  "ledger-short",
  "other-read",
  "prod-only",
  "report",
  "limited",
  "paced",
  "offline",
];

/** The addresses are asked at each request: a broker may come back at another one. */
export function createClient(servers: Servers, urls: () => { public: string; admin: string }): BrokerClient {
  const attest = attester(servers);
  const sendTo =
    (base: "public" | "admin") =>
    async (method: string, path: string, request: Request = {}) => {
      const { as, json, form, headers = {} } = request;
      const body = form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form);
      return read(
        await fetch(`${urls()[base]}${path}`, {
          method,
          body,
          headers: {
            ...(as !== undefined && { authorization: `Bearer ${await attest(as)}` }),
            ...(json !== undefined && { "content-type": "application/json" }),
            ...headers,
          },
        }),
      );
    };
  const send = sendTo("public");
  const operate = sendTo("admin");

  async function exchange(wish: Wish = {}): Promise<Sent> {
    const { as = "bot", template = "ledger-read", task, parameters, key, more = {} } = wish;
    const form: Record<string, string> = {
      grant_type: exchangeGrant,
      subject_token: wish.attestation ?? (await attest(as)),
      subject_token_type: jwtType,
      scope: template,
    };
    if (task !== undefined) form["task_id"] = task;
    if (parameters !== undefined)
      form["authorization_details"] = JSON.stringify([{ type: "mayfly_template", template, parameters }]);
    const headers = key === undefined ? {} : { "Idempotency-Key": key };
    return send("POST", "/token", { form: { ...form, ...more }, headers });
  }

  return {
    send,
    operate,
    exchange,
    attest,
    async issue(wish) {
      const { status, text, body } = await exchange(wish);
      const { access_token: token, lease_id: lease, task_id: task } = body;
      if (status !== 200 || token === undefined || lease === undefined || task === undefined)
        throw new Error(`the exchange was answered ${status}: ${text}`);
      return { token, lease, task };
    },
    async openTask(more = {}, opener = "planner") {
      const templates = everyTemplate.map((template) => ({ template }));
      const json = { agent: "bot", templates, deadline_seconds: 600, ...more };
      const opened = await send("POST", "/tasks", { as: opener, json });
      if (opened.status !== 201 || opened.body.task_id === undefined)
        throw new Error(`opening was answered ${opened.status}: ${opened.text}`);
      return opened.body.task_id;
    },
    end: (task, { as = "planner", waitSeconds = 20, outcome = "completed" } = {}) =>
      send("POST", `/tasks/${task}/end`, { as, json: { outcome }, headers: { prefer: `wait=${waitSeconds}` } }),
    leasesOf: (task, as = "planner") =>
      readPages(async (after: string | undefined) => {
        const page = await send("GET", `/tasks/${task}${after === undefined ? "" : `?after=${after}`}`, { as });
        return { lines: page.body.leases ?? [], next: page.body.next };
      }),
    audit: (task) =>
      readPages(async (after: string | undefined) => {
        const query = new URLSearchParams({
          ...(after === undefined ? {} : { after }),
          ...(task === undefined ? {} : { task_id: task }),
        });
        const { body } = await operate("GET", `/audit/entries?${query.toString()}`, { as: "viewer" });
        const lines = body.entries ?? [];
        return { lines, next: lines.length === 0 ? undefined : body.next };
      }),
  };
}

/** From the real issuer where the policy trusts that for the subject, else from the one that it does trust. */
function attester(servers: Servers): (subject: string) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (subject) => {
    if (subject === "forge-bot" || subject === "once-bot") {
      const issuer = subject === "forge-bot" ? servers.forge : servers.once;
      const claims = { jti: crypto.randomUUID() };
      return Promise.resolve(issuer.attest({ subject, audience: brokerAudience, now: realClock.now(), claims }));
    }
    const token = known.get(subject) ?? servers.workloads.attest(subject);
    known.set(subject, token);
    return token;
  };
}

async function read(response: Response): Promise<Sent> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Body) : {},
  };
}

const maxPages = 100;

async function readPages<Line, Cursor>(
  page: (after: Cursor | undefined) => Promise<{ lines: readonly Line[]; next: Cursor | undefined }>,
): Promise<readonly Line[]> {
  const all: Line[] = [];
  let after: Cursor | undefined;
  for (let count = 0; count < maxPages; count += 1) {
    const { lines, next } = await page(after);
    all.push(...lines);
    if (next === undefined) return all;
    after = next;
  }
  throw new Error("the pages have no end");
}
