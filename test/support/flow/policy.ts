/** The policy of the flows: every role, two OAuth servers, the broker's own tokens, limits small enough to be met. */
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";

/** What every attestation in the flows is made for. */
export const brokerAudience = "https://broker.example";
export const ledgerAudience = "https://ledger.example";
export const reportAudience = "https://reports.example";

export interface PolicyPlaces {
  /** A real OIDC issuer. */
  readonly workloads: string;
  /** An issuer that signs whatever a test asks for. */
  readonly forge: string;
  /** The same, trusted for a single use of each token. */
  readonly once: string;
  readonly oauth: string;
  readonly otherOauth: string;
}

interface Agent {
  readonly issuer?: "workloads" | "forge" | "once";
  readonly subject?: string;
  readonly spec: JsonObject;
}

const anyTask = { agents: ["*"], templates: ["*"] };

export const agents: Readonly<Record<string, Agent>> = {
  planner: { spec: { role: "orchestrator", mayOpenFor: anyTask } },
  "second-planner": { spec: { role: "orchestrator", mayOpenFor: anyTask } },
  "narrow-planner": {
    spec: { role: "orchestrator", mayOpenFor: { agents: ["bot"], templates: ["report"] } },
  },
  bot: { spec: { role: "agent" } },
  "other-bot": { spec: { role: "agent" } },
  "lead-bot": { spec: { role: "agent", delegation: { maxDepth: 7 } } },
  "shy-bot": { spec: { role: "agent", delegation: { maxDepth: 1 } } },
  "leaving-bot": { spec: { role: "agent" } },
  "paced-bot-1": { spec: { role: "agent" } },
  "paced-bot-2": { spec: { role: "agent" } },
  "paced-bot-3": { spec: { role: "agent" } },
  "forge-bot": { issuer: "forge", spec: { role: "agent" } },
  "once-bot": { issuer: "once", spec: { role: "agent" } },
  "report-api": { spec: { role: "resource", audiences: [reportAudience] } },
  "other-api": { spec: { role: "resource", audiences: ["https://elsewhere.example"] } },
  viewer: { spec: { role: "operator", may: ["read"] } },
  killer: { spec: { role: "operator", may: ["kill"] } },
  keeper: { spec: { role: "operator", may: ["policy"] } },
  desk: { spec: { role: "operator", may: ["read", "kill", "policy"] } },
};

/** Known to the issuer, unknown to the policy. */
export const stranger = "stranger";

const owners = { businessApprover: "finance-office", technicalCustodian: "platform-team" };

const resource = (kind: string, name: string, spec: JsonObject): JsonObject => ({
  apiVersion: "mayfly.dev/v1",
  kind,
  metadata: { name },
  spec,
});

const issuer = (name: string, url: string, more: JsonObject): JsonObject =>
  resource("TrustedIssuer", name, {
    issuer: url,
    audience: brokerAudience,
    algorithms: ["ES256"],
    keys: { discovery: true },
    maxLifetimeSeconds: 3600,
    ...more,
  });

const profile = (name: string, { issuer: of = "workloads", subject = name, spec }: Agent): JsonObject =>
  resource("AgentProfile", name, { identity: { issuer: of, subject }, owners, ...spec });

const oauth = (name: string, url: string, more: JsonObject = {}): JsonObject =>
  resource("Provider", name, {
    type: "oauth",
    issuer: url,
    clientId: "mayfly",
    clientAuth: "client_secret_basic",
    clientSecret: { env: "FLOW_CLIENT_SECRET" },
    maxTokenSeconds: 3600,
    ...more,
  });

const common = { agents: ["*"], actionClass: "read", sensitivity: "internal" };
const ttl = { defaultSeconds: 300, maxSeconds: 900 };

const oauthTemplate = (name: string, provider: string, more: JsonObject = {}): JsonObject =>
  resource("CredentialTemplate", name, {
    ...common,
    provider,
    ttl,
    allowEarlyKill: true,
    parameters: { region: { type: "string", enum: ["emea", "apac"], default: "emea" } },
    scope: { scopes: ["ledger:read:${parameters.region}"], resource: ledgerAudience },
    requires: { revocation: ["immediate"] },
    ...more,
  });

const ownTemplate = (name: string, more: JsonObject = {}): JsonObject =>
  resource("CredentialTemplate", name, {
    ...common,
    provider: "own",
    ttl,
    scope: { audience: reportAudience, scopes: ["report:read"], introspected: true },
    ...more,
  });

/** JSON is YAML: each document of the file is one resource. */
export const yamlOf = (resources: readonly JsonObject[]): string =>
  resources.map((one) => JSON.stringify(one, null, 1)).join("\n---\n");

export function policyResources(places: PolicyPlaces, names = Object.keys(agents)): readonly JsonObject[] {
  return [
    issuer("workloads", places.workloads, { types: ["at+jwt"] }),
    issuer("forge", places.forge, {}),
    issuer("once", places.once, { replay: "once" }),
    ...Object.entries(agents)
      .filter(([name]) => names.includes(name))
      .map(([name, agent]) => profile(name, agent)),
    oauth("ledger", places.oauth),
    oauth("other-ledger", places.otherOauth),
    resource("Provider", "own", { type: "jwt" }),
    oauthTemplate("ledger-read", "ledger"),
    oauthTemplate("ledger-short", "ledger", { ttl: { defaultSeconds: 2, maxSeconds: 2 } }),
    oauthTemplate("other-read", "other-ledger"),
    oauthTemplate("prod-only", "ledger", { when: 'task.context.environment == "prod"' }),
    oauthTemplate("not-me", "ledger", { agents: ["other-bot"] }),
    ownTemplate("report", { autoTask: true }),
    ownTemplate("limited", { limits: { liveLeasesPerTask: 2 } }),
    ownTemplate("paced", { limits: { mintsPerMinutePerAgent: 3 } }),
    // No one asks the broker about these: they live until they expire, and reports must say so.
    ownTemplate("offline", {
      scope: { audience: reportAudience, scopes: ["report:read"] },
      ttl: { defaultSeconds: 60, maxSeconds: 60 },
      allowExpiryOnly: true,
    }),
    resource("Guardrail", "short-secrets", { match: { templates: ["ledger-read"] }, maxTtlSeconds: 600 }),
  ];
}
