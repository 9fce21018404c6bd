/** The policy of the crash runs: one template of the OAuth server, one of the broker's own tokens. */
import type { OAuthServer } from "../oauth-server.ts";

export const ledgerAudience = "https://ledger.example";
export const reportAudience = "https://reports.example";
export const fromOAuth = "ledger-read";
export const ownToken = "ledger-report";

export const crashPolicy = (at: {
  issuer: string;
  oauth: Pick<OAuthServer, "issuer" | "tokenEndpoint" | "revocationEndpoint" | "introspectionEndpoint">;
  tokenSeconds: number;
}): string => `
apiVersion: mayfly.dev/v1
kind: TrustedIssuer
metadata: { name: test-issuer }
spec:
  issuer: ${at.issuer}
  audience: https://broker.example
  algorithms: [ES256]
  keys: { discovery: true }
  maxLifetimeSeconds: 3600
  replay: reusable
---
${agent("planner", 'role: orchestrator\n  mayOpenFor: { agents: [invoice-bot], templates: ["ledger-*"] }')}
---
${agent("invoice-bot", "role: agent")}
---
${agent("report-api", `role: resource\n  audiences: ["${reportAudience}"]`)}
---
${agent("security-desk", "role: operator\n  may: [read, kill, policy]")}
---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: ledger-oauth }
spec:
  type: oauth
  issuer: ${at.oauth.issuer}
  clientId: mayfly
  clientAuth: client_secret_basic
  clientSecret: { env: OAUTH_SECRET }
  discovery: false
  tokenEndpoint: ${at.oauth.tokenEndpoint}
  revocationEndpoint: ${at.oauth.revocationEndpoint}
  introspectionEndpoint: ${at.oauth.introspectionEndpoint}
  maxTokenSeconds: ${at.tokenSeconds}
---
apiVersion: mayfly.dev/v1
kind: Provider
metadata: { name: broker-jwt }
spec: { type: jwt }
---
${template(fromOAuth, "ledger-oauth", `{ scopes: ["ledger:read"], resource: ${ledgerAudience} }`)}
---
${template(ownToken, "broker-jwt", `{ audience: ${reportAudience}, scopes: ["report:read"], introspected: true }`)}
`;

const agent = (name: string, role: string): string => `apiVersion: mayfly.dev/v1
kind: AgentProfile
metadata: { name: ${name} }
spec:
  ${role}
  identity: { issuer: test-issuer, subject: ${name} }
  owners: { businessApprover: finance-office, technicalCustodian: platform-team }`;

const template = (name: string, provider: string, scope: string): string => `apiVersion: mayfly.dev/v1
kind: CredentialTemplate
metadata: { name: ${name} }
spec:
  provider: ${provider}
  agents: [invoice-bot]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 600, maxSeconds: 600 }
  allowEarlyKill: true
  scope: ${scope}
  autoTask: true`;
