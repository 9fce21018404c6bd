/** A small valid policy as files, to be broken one line at a time, and stand-ins for what binding needs. */
import type { Capabilities } from "../../src/domain/capabilities.ts";
import type { ScopeTemplate } from "../../src/domain/scope-template.ts";
import { ok } from "../../src/kernel/result.ts";
import { seconds } from "../../src/kernel/time.ts";
import { bindPolicy, type ScopeOf } from "../../src/policy/bind.ts";
import { formatFault } from "../../src/policy/parse/fault.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/parse/parse-policy.ts";
import type { PolicyFile } from "../../src/policy/parse/yaml-documents.ts";
import type { BoundPolicy } from "../../src/policy/resources.ts";

export const sampleFiles: Readonly<Record<string, string>> = {
  "issuer.yaml": `apiVersion: mayfly.dev/v1
kind: TrustedIssuer
metadata: { name: prod }
spec:
  issuer: https://oidc.prod.example
  audience: https://broker.example
  algorithms: [RS256, ES256]
  keys: { discovery: true }
  maxLifetimeSeconds: 3600
`,
  "agents.yaml": `apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: bot }
spec:
  role: agent
  identity: { issuer: prod, subject: "system:serviceaccount:finance:bot" }
  owners: { businessApprover: cfo, technicalCustodian: payments }
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: planner }
spec:
  role: orchestrator
  identity: { issuer: prod, subject: planner, claims: { environment: prod } }
  owners: { businessApprover: cfo, technicalCustodian: platform }
  mayOpenFor: { agents: [bot], templates: ["ledger-*"] }
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: ledger-api }
spec:
  role: resource
  identity: { issuer: prod, subject: ledger-api }
  owners: { businessApprover: cfo, technicalCustodian: ledger }
  audiences: [https://ledger.example]
---
apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: desk }
spec:
  role: operator
  identity: { issuer: prod, subject: desk }
  owners: { businessApprover: ciso, technicalCustodian: soc }
  may: [read, kill]
`,
  "templates.yaml": `apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: ledger-db }
spec: { type: postgres, url: { env: LEDGER_DB_URL } }
---
apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: ledger-read }
spec:
  provider: ledger-db
  agents: [bot]
  actionClass: read
  sensitivity: confidential
  ttl: { defaultSeconds: 300, maxSeconds: 900 }
  parameters:
    tenant: { type: string, enum: [emea, apac] }
    rows: { type: integer, min: 1, max: 1000, default: 100 }
  scope: { roles: ["ledger_\${parameters.tenant}_ro"] }
  when: 'task.context.environment == "prod"'
  denyWhen: 'has(task.context.frozen) && task.context.frozen'
  limits: { liveLeasesPerTask: 4, mintsPerMinutePerAgent: 60 }
  requires: { revocation: [immediate] }
`,
  "guardrails.yaml": `apiVersion: mayfly.dev/v1
kind: Guardrail
metadata: { name: short-secrets }
spec:
  match: { sensitivities: [confidential, restricted] }
  maxTtlSeconds: 600
  limits: { liveLeases: 100 }
`,
};

export interface Edit {
  readonly file: string;
  /** Must be there exactly once; empty appends. */
  readonly from: string;
  readonly to: string;
}

export function editedFiles(...edits: readonly Edit[]): readonly PolicyFile[] {
  const texts = { ...sampleFiles };
  for (const { file, from, to } of edits) {
    const text = texts[file] ?? "";
    if (from === "") texts[file] = text + to;
    else if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly one: ${from}`);
    else texts[file] = text.replace(from, () => to);
  }
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

/** Every fault as one line; empty when the policy was accepted. */
export async function faultsOf(files: readonly PolicyFile[]): Promise<readonly string[]> {
  const parsed = await parsePolicy(files);
  return parsed.ok ? [] : parsed.fault.map(formatFault);
}

export async function parsedSample(...edits: readonly Edit[]): Promise<ParsedPolicy> {
  const parsed = await parsePolicy(editedFiles(...edits));
  if (!parsed.ok) throw new Error(parsed.fault.map(formatFault).join("\n"));
  return parsed.value;
}

export const sampleCapabilities: Capabilities = {
  ttl: { kind: "chosen", minSeconds: seconds(1), maxSeconds: seconds(3600), granularitySeconds: seconds(1) },
  handle: "pre-known",
  revocation: { kind: "immediate" },
  nativeExpiry: "full",
  probe: "data-plane",
  killsOpenSessions: true,
  listable: true,
  renewable: false,
  needsSecretToRevoke: false,
  bindsToKey: false,
  mintsInProcess: false,
};

/** Keeps the scope as it is and hands the parameters on: binding and decisions, not providers, are under test. */
export const sampleScope = (changes: Partial<ScopeTemplate> = {}): ScopeTemplate => ({
  placeholders: ["tenant"],
  capabilities: sampleCapabilities,
  fill: (parameters) => ok({ parameters }),
  ...changes,
});

export const bindWith =
  (changes: Partial<ScopeTemplate> = {}): ScopeOf =>
  () =>
    ok(sampleScope(changes));

export async function boundSample(changes: Partial<ScopeTemplate>, ...edits: readonly Edit[]): Promise<BoundPolicy> {
  const bound = bindPolicy((await parsedSample(...edits)).policy, bindWith(changes));
  if (!bound.ok) throw new Error(bound.fault.map(formatFault).join("\n"));
  return bound.value;
}
