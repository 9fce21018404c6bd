/** The story itself: a task is opened, two credentials are got and used, the task ends, both are refused. */
import type { Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
const jwtType = "urn:ietf:params:oauth:token-type:jwt";

interface Issued {
  readonly access_token: string;
  readonly expires_in: number;
  readonly ttl_bound: string;
  readonly lease_id: string;
}
interface Ended {
  readonly leases: readonly { readonly template: string; readonly verdict: string }[];
}
interface AuditPage {
  readonly entries: readonly { readonly type: string }[];
}

export async function playStory(world: World, timeline: Timeline): Promise<void> {
  const { issuer, ledgerApi, reportApi } = world;
  const task = await timeline.step(
    "An orchestrator opens a task",
    () => openTask(world),
    ({ task_id }) => task_id,
  );
  if (task === undefined) return;
  const attestation = await issuer.attest("invoice-bot");

  const issueStartedAt = performance.now();
  const opaque = await timeline.step(
    "The agent exchanges its attestation for an OAuth access token",
    () => exchange(world, attestation, task.task_id, { template: "ledger-read", parameters: { region: "emea" } }),
    told,
  );
  if (opaque !== undefined) timeline.measure("issue (OAuth server)", performance.now() - issueStartedAt);
  const jwtStartedAt = performance.now();
  const jwt = await timeline.step(
    "... and for a token of the broker's own",
    () => exchange(world, attestation, task.task_id, { template: "ledger-report" }),
    told,
  );
  if (jwt !== undefined) timeline.measure("issue (broker's own)", performance.now() - jwtStartedAt);
  if (opaque === undefined || jwt === undefined) return;

  await timeline.step("The ledger API accepts the OAuth token", () =>
    expectStatus(ledgerApi.use(opaque.access_token), 200),
  );
  await timeline.step("The report API accepts the broker's token", () =>
    expectStatus(reportApi.use(jwt.access_token), 200),
  );

  const endStartedAt = performance.now();
  const ended = await timeline.step(
    "The orchestrator ends the task",
    () => endTask(world, task.task_id),
    ({ leases }) => leases.map(({ template, verdict }) => `${template}: ${verdict}`).join(", "),
  );
  if (ended === undefined) return;
  await timeline.step("The ledger API refuses the OAuth token", () =>
    expectStatus(ledgerApi.use(opaque.access_token), 401),
  );
  await timeline.step("The report API refuses the broker's token", () =>
    expectStatus(reportApi.use(jwt.access_token), 401),
  );
  timeline.measure("task end to both seen dead", performance.now() - endStartedAt);
  await timeline.step("A credential is refused to the ended task", () =>
    expectRefused(world, attestation, task.task_id),
  );
  await timeline.step(
    "The audit entries of the task are read back",
    () => readAudit(world, task.task_id),
    (types) => types.join(" > "),
  );
}

const told = (issued: Issued): string => `${issued.lease_id}, ${issued.expires_in} s (bound: ${issued.ttl_bound})`;

async function openTask(world: World): Promise<{ task_id: string }> {
  const body = {
    agent: "invoice-bot",
    templates: [{ template: "ledger-read", parameters: { region: "emea" } }, { template: "ledger-report" }],
    deadline_seconds: 600,
    purpose: "close the books of october",
    context: { environment: "prod" },
  };
  return call(world, "planner", { method: "POST", path: "/tasks", body });
}

function endTask(world: World, taskId: string): Promise<Ended> {
  return call(world, "planner", {
    method: "POST",
    path: `/tasks/${taskId}/end`,
    body: { outcome: "completed" },
    headers: { prefer: "wait=10" },
  });
}

async function readAudit(world: World, taskId: string): Promise<readonly string[]> {
  const page = await call<AuditPage>(world, "security-desk", {
    method: "GET",
    path: `/audit/entries?task_id=${taskId}`,
    base: world.adminUrl,
  });
  const types = page.entries.map(({ type }) => type);
  for (const needed of ["task.opened", "lease.activated", "task.ended", "lease.revoked"]) {
    if (!types.includes(needed)) throw new Error(`the audit holds no ${needed}: ${types.join(", ")}`);
  }
  return types;
}

function exchangeRequest(
  world: World,
  attestation: string,
  taskId: string,
  wish: { template: string; parameters?: object },
) {
  const form = new URLSearchParams({
    grant_type: exchangeGrant,
    subject_token: attestation,
    subject_token_type: jwtType,
    scope: wish.template,
    task_id: taskId,
  });
  if (wish.parameters !== undefined) {
    form.set("authorization_details", JSON.stringify([{ type: "mayfly_template", ...wish }]));
  }
  return fetch(`${world.brokerUrl}/token`, { method: "POST", body: form });
}

async function exchange(
  world: World,
  attestation: string,
  taskId: string,
  wish: { template: string; parameters?: object },
): Promise<Issued> {
  return bodyOf(await exchangeRequest(world, attestation, taskId, wish));
}

async function expectRefused(world: World, attestation: string, taskId: string): Promise<void> {
  const answer = await exchangeRequest(world, attestation, taskId, { template: "ledger-report" });
  const { reason } = (await answer.json()) as { reason?: string };
  if (answer.status !== 400 || reason !== "task_ended") throw new Error(`answered ${answer.status}, reason ${reason}`);
}

async function expectStatus(answered: Promise<number>, wanted: number): Promise<void> {
  const status = await answered;
  if (status !== wanted) throw new Error(`answered ${status} instead of ${wanted}`);
}

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly base?: string;
}

async function call<T>(world: World, workload: string, request: Call): Promise<T> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${await world.issuer.attest(workload)}`,
    ...request.headers,
  };
  if (request.body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(`${request.base ?? world.brokerUrl}${request.path}`, {
    method: request.method,
    headers,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  return bodyOf(answer);
}

async function bodyOf<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`answered ${answer.status}: ${text}`);
  return JSON.parse(text) as T;
}
