/** The broker that issues are measured on: an ordinary policy with conditions and limits, and 500 agents. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allAtMost } from "../../src/kernel/settle-all.ts";
import { encodeHeader, privateKeyOf, signToken, type KeyPair } from "./es256.ts";
import type { Actor } from "./stage.ts";

export const agentCount = 500;
export const brokerIssuer = "http://127.0.0.1:1/broker";
export const attestationIssuer = "https://issuer.bench";
export const template = "ledger-report";
const orchestrator = "planner";

export const agentName = (index: number): string => `agent-${index}`;

/** Every agent has a profile of its own, and every issue runs a condition and reserves two limits. */
function policyText(keyFile: string): string {
  const agents = Array.from({ length: agentCount }, (_, index) => profile(agentName(index), "agent", ""));
  const planner = profile(
    orchestrator,
    "orchestrator",
    '  mayOpenFor: { agents: ["agent-*"], templates: ["ledger-*"] }\n',
  );
  return `apiVersion: mayfly.dev/v1
kind: TrustedIssuer
metadata: { name: local }
spec:
  issuer: ${attestationIssuer}
  audience: ${brokerIssuer}
  algorithms: [ES256]
  keys: { file: ${JSON.stringify(keyFile)} }
  maxLifetimeSeconds: 86400
  replay: reusable
---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: broker-jwt }
spec: { type: jwt }
---
apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: ${template} }
spec:
  provider: broker-jwt
  agents: ["agent-*"]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 3000, maxSeconds: 3600 }
  scope: { audience: "https://reports.example", scopes: ["report:read"], introspected: true }
  when: 'task.context.environment == "prod"'
  limits: { liveLeasesPerTask: 1000000, mintsPerMinutePerAgent: 1000000 }
---
${planner}---
${agents.join("---\n")}`;
}

const profile = (name: string, role: string, more: string): string => `apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: ${name} }
spec:
  role: ${role}
  identity: { issuer: local, subject: "system:serviceaccount:bench:${name}" }
  owners: { businessApprover: office, technicalCustodian: team }
${more}`;

const subjectOf = (name: string): string => `system:serviceaccount:bench:${name}`;

export interface Attesting {
  readonly key: KeyPair;
}

export function writePolicy(dir: string, key: KeyPair): string {
  const policyDir = join(dir, "policy");
  const keyFile = join(dir, "keys.json");
  mkdirSync(policyDir);
  writeFileSync(keyFile, JSON.stringify({ keys: [key.publicJwk] }));
  writeFileSync(join(policyDir, "policy.yaml"), policyText(keyFile));
  return policyDir;
}

/** Signs attestations; `tokenId` makes each one new. */
export function createAttester(key: KeyPair): (agent: string, tokenId: string) => string {
  const header = encodeHeader({ alg: "ES256", typ: "JWT", kid: key.keyId });
  const privateKey = privateKeyOf(key);
  return (agent, tokenId) => {
    const now = Math.floor(Date.now() / 1000);
    return signToken(
      header,
      { iss: attestationIssuer, sub: subjectOf(agent), aud: brokerIssuer, iat: now, exp: now + 3600, jti: tokenId },
      privateKey,
    );
  };
}

/** Starts a broker with an open task for each agent. */
export async function startBroker(
  broker: Actor,
  wish: { policyDir: string; dataDir: string; key: KeyPair; ledger?: string },
): Promise<{ tokenUrl: string; tasks: readonly string[] }> {
  const { policyDir, dataDir, ledger } = wish;
  const url = await broker.ask<string>("start", { policyDir, dataDir, ledger, issuer: brokerIssuer });
  return { tokenUrl: `${url}/token`, tasks: await openTasks(url, wish.key) };
}

/** One for each agent, in their order. */
export function openTasks(url: string, key: KeyPair): Promise<readonly string[]> {
  const attestation = createAttester(key)(orchestrator, "planner");
  return Promise.all(Array.from({ length: agentCount }, (_, index) => openTask(url, attestation, agentName(index))));
}

/** Resolves when all that was issued to them is dead. */
export async function endTasks(url: string, key: KeyPair, tasks: readonly string[]): Promise<void> {
  const attestation = createAttester(key)(orchestrator, "planner");
  await allAtMost(tasks, 64, async (task) => {
    const answer = await fetch(`${url}/tasks/${task}/end`, {
      method: "POST",
      headers: { authorization: `Bearer ${attestation}`, "content-type": "application/json", prefer: "wait=60" },
      body: JSON.stringify({ outcome: "completed" }),
    });
    const { summary } = (await answer.json()) as { summary?: { live: number } };
    if (summary?.live !== 0) throw new Error(`a task did not end: ${answer.status}`);
  });
}

async function openTask(url: string, attestation: string, agent: string): Promise<string> {
  const answer = await fetch(`${url}/tasks`, {
    method: "POST",
    headers: { authorization: `Bearer ${attestation}`, "content-type": "application/json" },
    body: JSON.stringify({
      agent,
      templates: [{ template }],
      deadline_seconds: 7200,
      context: { environment: "prod" },
    }),
  });
  const body = (await answer.json()) as { task_id?: string };
  if (body.task_id === undefined) throw new Error(`no task was opened: ${answer.status} ${JSON.stringify(body)}`);
  return body.task_id;
}
