/** An AgentProfile: who somebody is and what the role allows. A grant that belongs to another role is a fault. */
import type { AgentName, IssuerName } from "../../domain/names.ts";
import type { Result } from "../../kernel/result.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import { isWildcardOnly, parsePattern } from "../pattern.ts";
import type { AgentProfile, Role, RoleGrant } from "../resources.ts";
import type { Problem } from "./fault.ts";
import { createProblems, settle, type Document, type Problems } from "./reader.ts";
import type { SpecOf } from "./schemas.ts";

type Spec = SpecOf<"AgentProfile">;

const grantOwners: Readonly<Record<string, readonly [Role, ...Role[]]>> = {
  delegation: ["agent"],
  autoTasks: ["agent"],
  openTasks: ["agent", "orchestrator"],
  mayOpenFor: ["orchestrator"],
  audiences: ["resource"],
  may: ["operator"],
};
/** Enough for a busy agent, little enough that a runaway one is stopped. */
const defaultAutoTasks = 10;
/** Above what a fleet of one profile does at once, and low enough that a loop does not fill the ledger. */
const defaultOpenTasks = { agent: 1_000, orchestrator: 10_000 } as const;

export function readAgent(document: Document<"AgentProfile">): Result<AgentProfile, readonly Problem[]> {
  const { spec } = document;
  const problems = createProblems();
  const path = ["spec", "identity", "subject"];
  const subject = parsePattern(spec.identity.subject);
  if (!subject.ok) problems.add({ path, ...subject.fault });
  else if (isWildcardOnly(subject.value))
    problems.add({ path, message: "matches every subject", fix: "name the workload; a glob needs a fixed part" });
  for (const [field, roles] of Object.entries(grantOwners)) {
    if (field in spec && !roles.includes(spec.role))
      problems.add({
        path: ["spec", field],
        part: "key",
        message: `is only for role ${roles.join(" or ")}`,
        fix: `remove it, or set role: ${roles[0]}`,
      });
  }
  const role = readRole(spec, problems);
  const { issuer, claims } = spec.identity;
  return settle(
    problems,
    subject.ok && role !== undefined
      ? {
          name: document.name as AgentName,
          identity: { issuer: issuer as IssuerName, subject: subject.value, claims },
          owners: spec.owners,
          role,
        }
      : undefined,
  );
}

function readRole(spec: Spec, problems: Problems): RoleGrant | undefined {
  switch (spec.role) {
    case "agent":
      return {
        kind: "agent",
        delegation: spec.delegation ?? null,
        autoTasks: spec.autoTasks ?? defaultAutoTasks,
        openTasks: spec.openTasks ?? defaultOpenTasks.agent,
      };
    case "orchestrator": {
      // Left out means none: such an orchestrator can open nothing, which is legal but useless, so it is reported.
      if (spec.mayOpenFor === undefined) return missing("mayOpenFor", problems);
      const agents = problems.patterns(spec.mayOpenFor.agents, ["spec", "mayOpenFor", "agents"]);
      const templates = problems.patterns(spec.mayOpenFor.templates, ["spec", "mayOpenFor", "templates"]);
      return {
        kind: "orchestrator",
        mayOpenFor: { agents, templates },
        openTasks: spec.openTasks ?? defaultOpenTasks.orchestrator,
      };
    }
    case "resource":
      return spec.audiences === undefined
        ? missing("audiences", problems)
        : { kind: "resource", audiences: spec.audiences };
    case "operator":
      return spec.may === undefined ? missing("may", problems) : { kind: "operator", may: spec.may };
    default:
      return unreachable(spec.role);
  }
}

function missing(field: string, problems: Problems): undefined {
  problems.add({
    path: ["spec", field],
    part: "key",
    message: "is missing",
    fix: `add ${field}; without it the role allows nothing`,
  });
  return undefined;
}
