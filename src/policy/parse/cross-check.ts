/** What only shows when all resources are seen together: dangling names, identities that fit twice, unpinned owners. */
import { isWildcardOnly, type Pattern } from "../pattern.ts";
import type { AgentProfile } from "../resources.ts";
import { suggest } from "../suggest.ts";
import { faultAt, type Path, type PolicyFault, type Problem } from "./fault.ts";
import type { Draft } from "./parse-policy.ts";
import type { Kind } from "./schemas.ts";

export interface Checked {
  readonly faults: readonly PolicyFault[];
  readonly warnings: readonly PolicyFault[];
}

interface Report {
  readonly draft: Draft;
  readonly names: Readonly<Record<Kind, ReadonlySet<string>>>;
  readonly fault: (key: string, problem: Problem) => void;
  readonly warn: (key: string, problem: Problem) => void;
}

export function crossCheck(draft: Draft): Checked {
  const faults: PolicyFault[] = [];
  const warnings: PolicyFault[] = [];
  const into = (list: PolicyFault[]) => (key: string, problem: Problem) => {
    const origin = draft.declared.get(key);
    if (origin !== undefined) list.push(faultAt(origin, problem));
  };
  const report = { draft, names: namesByKind(draft), fault: into(faults), warn: into(warnings) };
  checkIssuers(report);
  checkAgents(report);
  checkTemplates(report);
  checkGuardrails(report);
  checkUnused(report);
  return { faults, warnings };
}

function namesByKind(draft: Draft): Record<Kind, Set<string>> {
  const names: Record<Kind, Set<string>> = {
    TrustedIssuer: new Set(),
    AgentProfile: new Set(),
    Provider: new Set(),
    CredentialTemplate: new Set(),
    Guardrail: new Set(),
  };
  for (const key of draft.declared.keys()) {
    const [kind, name = ""] = key.split("/");
    for (const [known, list] of Object.entries(names)) if (known === kind) list.add(name);
  }
  return names;
}

function checkIssuers({ draft, fault }: Report): void {
  const seen = new Map<string, string>();
  for (const { name, issuer } of draft.issuers.values()) {
    const other = seen.get(issuer);
    if (other !== undefined)
      fault(`TrustedIssuer/${name}`, {
        path: ["spec", "issuer"],
        message: `is trusted already by ${other}`,
        fix: "keep one TrustedIssuer for each issuer",
      });
    else seen.set(issuer, name);
  }
}

function checkAgents(report: Report): void {
  const { draft, fault, warn } = report;
  for (const profile of draft.agents.values()) {
    const key = `AgentProfile/${profile.name}`;
    checkName(report, key, {
      path: ["spec", "identity", "issuer"],
      kind: "TrustedIssuer",
      name: profile.identity.issuer,
    });
    checkPinnedOwner(report, profile);
    if (profile.owners.businessApprover === profile.owners.technicalCustodian)
      warn(key, { path: ["spec", "owners"], message: "one party both approves and runs it", fix: "name two parties" });
    if (profile.role.kind !== "orchestrator") continue;
    const { agents, templates } = profile.role.mayOpenFor;
    checkPatterns(report, key, { path: ["spec", "mayOpenFor", "agents"], kind: "AgentProfile", patterns: agents });
    checkPatterns(report, key, {
      path: ["spec", "mayOpenFor", "templates"],
      kind: "CredentialTemplate",
      patterns: templates,
    });
  }
  for (const { profile, other } of overlaps(draft))
    fault(`AgentProfile/${profile.name}`, {
      path: ["spec", "identity"],
      message: `the same identity is also ${other.name}`,
      fix: "narrow one of the subjects, or tell them apart by claims",
    });
}

/** Profiles that one identity could fit at once. Two different globs are judged at the request: there, two is none. */
function overlaps(draft: Draft): { profile: AgentProfile; other: AgentProfile }[] {
  const found: { profile: AgentProfile; other: AgentProfile }[] = [];
  const bySubject = new Map<string, AgentProfile[]>();
  const globs = [...draft.agents.values()].filter((profile) => !profile.identity.subject.exact);
  for (const profile of draft.agents.values()) {
    const { issuer, subject } = profile.identity;
    const key = `${issuer}\n${subject.text}`;
    const same = bySubject.get(key) ?? [];
    const wider = subject.exact
      ? globs.filter((glob) => glob.identity.issuer === issuer && glob.identity.subject.matches(subject.text))
      : [];
    const other = [...same, ...wider].find((candidate) => claimsAgree(profile, candidate));
    if (other !== undefined) found.push({ profile, other });
    bySubject.set(key, [...same, profile]);
  }
  return found;
}

function claimsAgree(left: AgentProfile, right: AgentProfile): boolean {
  const others = right.identity.claims;
  return Object.entries(left.identity.claims).every(
    ([name, value]) => !Object.hasOwn(others, name) || others[name] === value,
  );
}

/** Issuers that serve everyone: names there can be given up and taken over, so an immutable owner id must be pinned. */
const sharedIssuers: Readonly<Record<string, readonly string[]>> = {
  "https://token.actions.githubusercontent.com": ["repository_id", "repository_owner_id", "enterprise_id"],
  "https://gitlab.com": ["project_id", "namespace_id"],
  "https://oidc.vercel.com": ["owner_id", "project_id"],
};

function checkPinnedOwner({ draft, fault }: Report, profile: AgentProfile): void {
  const issuer = draft.issuers.get(profile.identity.issuer)?.issuer ?? "";
  const pins = sharedIssuers[issuer];
  if (pins === undefined || pins.some((claim) => Object.hasOwn(profile.identity.claims, claim))) return;
  fault(`AgentProfile/${profile.name}`, {
    path: ["spec", "identity", "claims"],
    message: "names at a shared issuer can change hands, and no owner id is pinned",
    fix: `add one of the claims ${pins.join(", ")}`,
  });
}

function checkTemplates(report: Report): void {
  const { draft, fault, warn } = report;
  for (const template of draft.templates.values()) {
    const key = `CredentialTemplate/${template.name}`;
    checkName(report, key, { path: ["spec", "provider"], kind: "Provider", name: template.provider });
    const path = ["spec", "agents"];
    checkPatterns(report, key, { path, kind: "AgentProfile", patterns: template.agents });
    template.agents.forEach((pattern, index) => {
      if (isWildcardOnly(pattern))
        warn(key, { path: [...path, index], message: "lets every agent ask", fix: "name the agents" });
      const role = pattern.exact
        ? [...draft.agents.values()].find(({ name }) => name === pattern.text)?.role.kind
        : undefined;
      if (role !== undefined && role !== "agent")
        fault(key, {
          path: [...path, index],
          message: `has role ${role}, which gets no credentials`,
          fix: "name a profile of role agent",
        });
    });
    if (template.actionClass !== "read" && template.when === null && template.ttl.maxSeconds > 3600)
      warn(key, {
        path: ["spec", "ttl", "maxSeconds"],
        message: "is over an hour for more than reading, without a condition",
        fix: "shorten it, or add `when`",
      });
  }
}

function checkGuardrails(report: Report): void {
  for (const { name, match } of report.draft.guardrails) {
    const key = `Guardrail/${name}`;
    const path = ["spec", "match"];
    checkPatterns(report, key, { path: [...path, "agents"], kind: "AgentProfile", patterns: match.agents });
    checkPatterns(report, key, { path: [...path, "templates"], kind: "CredentialTemplate", patterns: match.templates });
    checkPatterns(report, key, { path: [...path, "providers"], kind: "Provider", patterns: match.providers });
  }
}

function checkUnused({ draft, warn }: Report): void {
  const issuers = new Set([...draft.agents.values()].map((profile) => profile.identity.issuer));
  for (const { name } of draft.issuers.values()) {
    if (!issuers.has(name))
      warn(`TrustedIssuer/${name}`, {
        path: ["metadata", "name"],
        message: "no profile uses this issuer",
        fix: "remove it, or add an AgentProfile",
      });
  }
  const providers = new Set([...draft.templates.values()].map((template) => template.provider));
  for (const { name } of draft.providers.values()) {
    if (!providers.has(name))
      warn(`Provider/${name}`, {
        path: ["metadata", "name"],
        message: "no template uses this provider",
        fix: "remove it, or add a CredentialTemplate",
      });
  }
}

function checkName(report: Report, key: string, reference: { path: Path; kind: Kind; name: string }): void {
  const { path, kind, name } = reference;
  const known = report.names[kind];
  if (known.has(name) || !report.draft.isComplete) return;
  const fix = `${suggest(name, [...known])}${known.size === 0 ? `add a ${kind}` : `known: ${[...known].sort().slice(0, 20).join(", ")}`}`;
  report.fault(key, { path, message: `there is no ${kind} of this name`, fix });
}

/** An exact name must exist. A glob may be ahead of its time, which is worth a warning. */
function checkPatterns(
  report: Report,
  key: string,
  reference: { path: Path; kind: Kind; patterns: readonly Pattern[] },
): void {
  const { path, kind, patterns } = reference;
  patterns.forEach((pattern, index) => {
    if (pattern.exact) checkName(report, key, { path: [...path, index], kind, name: pattern.text });
    else if (![...report.names[kind]].some((name) => pattern.matches(name)))
      report.warn(key, { path: [...path, index], message: `matches no ${kind}`, fix: "correct it, or remove it" });
  });
}
