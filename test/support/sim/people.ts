/** Who takes part, as policy files: parsed and bound by the real parser, with the simulated providers. */
import type { Identity } from "../../../src/domain/identity.ts";
import { Redacted } from "../../../src/kernel/redacted.ts";
import { err, ok } from "../../../src/kernel/result.ts";
import { addMillis, epochMillis } from "../../../src/kernel/time.ts";
import { bindPolicy } from "../../../src/policy/bind.ts";
import { parsePolicy } from "../../../src/policy/parse/parse-policy.ts";
import type { BoundPolicy } from "../../../src/policy/resources.ts";
import type { Attestor } from "../../../src/ports/attestor.ts";
import { issuerName } from "../builders.ts";
import { capabilitiesOf, classNames, credentialClasses, longestLifeSeconds, type ClassName } from "./classes.ts";
import { sha256 } from "./keys.ts";

/** The agents and who vouches for them; the pipeline's tokens may be used once only. */
export const agents = { "bot-a": "cluster", "bot-b": "cluster", "bot-c": "pipeline" } as const;
export type AgentText = keyof typeof agents;
export const agentNames = Object.keys(agents) as readonly AgentText[];
export const maxAutoTasks = 4;

const attestationMillis = 3_600_000;

/**
 * A token that may be used once only is made each half hour anew and ends at an instant of its own, whatever the wall of
 * the broker says; the others are always fresh. Written as `subject|issuer|token id|end`.
 */
export function attestationOf(
  subject: string,
  once: { readonly token: number; readonly physical: number } | null,
): Redacted {
  if (once === null) return new Redacted(`${subject}|cluster||`, "attestation");
  const made = Math.floor(once.physical / 1_800_000);
  const endsAt = made * 1_800_000 + attestationMillis;
  return new Redacted(`${subject}|pipeline|token-${once.token}-${made}|${endsAt}`, "attestation");
}

export const simAttestor: Attestor = {
  async verify(attestation, now) {
    const [subject, issuer, tokenId, endText] = attestation.reveal().split("|");
    if (subject === undefined || issuer === undefined || tokenId === undefined) return err({ reason: "malformed" });
    const expiresAt = endText === "" ? addMillis(now, attestationMillis) : epochMillis(Number(endText));
    if (now >= expiresAt) return err({ reason: "expired" });
    const identity: Identity = {
      issuer: issuerName(issuer),
      issuerUrl: `https://${issuer}.example`,
      subject,
      claims: {},
      kind: "jwt",
      digest: sha256(attestation.reveal()),
      expiresAt,
      replay: issuer === "pipeline" ? { mode: "once", tokenId } : { mode: "reusable" },
    };
    return ok(identity);
  },
};

export async function loadSimPolicy(): Promise<BoundPolicy> {
  const text = [...people(), ...classNames.flatMap(resources)].join("\n---\n");
  const parsed = await parsePolicy([{ path: "sim.yaml", text }]);
  if (!parsed.ok) throw new Error(`the policy of the simulation is faulty: ${JSON.stringify(parsed.fault)}`);
  const bound = bindPolicy(parsed.value.policy, (template) => {
    const name = classNames.find((kind) => kind === template.provider);
    if (name === undefined) return err({ path: "", message: "no such class" });
    return ok({ placeholders: [], capabilities: capabilitiesOf(name), fill: () => ok(null) });
  });
  if (!bound.ok) throw new Error(`the policy of the simulation does not bind: ${JSON.stringify(bound.fault)}`);
  return bound.value;
}

const head = (kind: string, name: string): string =>
  `apiVersion: mayfly.dev/v1\nkind: ${kind}\nmetadata: { name: ${name} }`;
const owners = "owners: { businessApprover: sim, technicalCustodian: sim }";

function people(): string[] {
  const issuers = ["cluster", "pipeline"].map(
    (name) => `${head("TrustedIssuer", name)}
spec:
  { issuer: "https://${name}.example", audience: "https://broker.example", algorithms: [ES256], maxLifetimeSeconds: 3600,
    keys: { discovery: true }, replay: ${name === "pipeline" ? "once" : "reusable"} }`,
  );
  const bots = agentNames.map(
    (name) => `${head("AgentProfile", name)}
spec:
  role: agent
  identity: { issuer: ${agents[name]}, subject: ${name} }
  ${owners}
  delegation: { maxDepth: 3 }
  autoTasks: ${maxAutoTasks}`,
  );
  return [
    ...issuers,
    ...bots,
    `${head("AgentProfile", "conductor")}
spec:
  role: orchestrator
  identity: { issuer: cluster, subject: conductor }
  ${owners}
  mayOpenFor: { agents: ["*"], templates: ["*"] }`,
    `${head("AgentProfile", "ada")}
spec:
  role: operator
  identity: { issuer: cluster, subject: ada }
  ${owners}
  may: [read, kill, policy]`,
  ];
}

/** One provider and one template a class, with limits low enough to be reached. */
function resources(name: ClassName): string[] {
  const { revocation } = credentialClasses[name];
  const flag =
    revocation.kind === "immediate" ? "allowEarlyKill: true" : `allowExpiryOnly: ${revocation.kind === "expiry-only"}`;
  return [
    `${head("Provider", name)}\nspec: { type: simulated }`,
    `${head("CredentialTemplate", name)}
spec:
  provider: ${name}
  agents: ["*"]
  actionClass: read
  sensitivity: internal
  ttl: { defaultSeconds: 600, maxSeconds: ${longestLifeSeconds} }
  scope: {}
  autoTask: true
  ${flag}
  limits: { liveLeasesPerTask: 2, liveLeasesPerTree: 4, liveLeasesPerAgent: 6, liveLeases: 8, mintsPerMinutePerAgent: 12 }`,
  ];
}
