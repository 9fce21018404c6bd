/**
 * Joins a policy with its providers: each template's scope is parsed by the provider that will mint it, and what the
 * template promises is compared with what the provider can do. Only a policy that passed decides.
 */
import type { Capabilities } from "../domain/capabilities.ts";
import { targetName, type TemplateName } from "../domain/names.ts";
import type { ScopeFault, ScopeTemplate } from "../domain/scope-template.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { indexCallers } from "./callers.ts";
import { isAlwaysPresent, isClosed } from "./parameters.ts";
import { compareFaults, faultAt, type PolicyFault, type Problem } from "./parse/fault.ts";
import { matchesAny, type Pattern } from "./pattern.ts";
import { canKillEarly, shortestLifeSeconds, unmetRequirements } from "./requirements.ts";
import type { BoundPolicy, BoundTemplate, CredentialTemplate, Guardrail, PolicySet } from "./resources.ts";

/** Parses a template's scope with its provider; a provider that could not be made answers with its fault. */
export type ScopeOf = (template: CredentialTemplate) => Result<ScopeTemplate, ScopeFault>;

/** The longest life of a credential that nothing can end: a quarter of an hour, the least that AWS STS gives. */
export const maxExpiryOnlySeconds = 900;

export function bindPolicy(set: PolicySet, scopeOf: ScopeOf): Result<BoundPolicy, readonly PolicyFault[]> {
  const { origins, ...policy } = set;
  const faults: PolicyFault[] = [];
  const bound = new Map<TemplateName, BoundTemplate>();
  for (const template of policy.templates.values()) {
    const origin = origins.get(`CredentialTemplate/${template.name}`);
    const report = (problem: Problem): void => {
      faults.push(origin === undefined ? unplaced(problem) : faultAt(origin, problem));
    };
    const scope = scopeOf(template);
    if (!scope.ok) {
      const inner = scope.fault.path === "" ? [] : scope.fault.path.split(".");
      report({
        path: ["spec", "scope", ...inner],
        message: scope.fault.message,
        fix: "see the scope of this provider type",
      });
      continue;
    }
    const guardrails = policy.guardrails.filter((guardrail) => appliesTo(guardrail, template));
    for (const problem of problemsOf(template, scope.value, guardrails)) report(problem);
    const target = targetName(template.provider, scope.value.system);
    bound.set(template.name, { template, scope: scope.value, target, guardrails });
  }
  if (faults.length > 0) return err(faults.sort(compareFaults));
  return ok({ ...policy, bound, callers: indexCallers(policy.agents.values()) });
}

const unplaced = ({ path, message, fix }: Problem): PolicyFault => ({
  file: "",
  line: 1,
  column: 1,
  path: path.join("."),
  message,
  fix,
});

/** An empty selector matches everything. Agents are left to the request. */
function appliesTo({ match }: Guardrail, template: CredentialTemplate): boolean {
  const selects = (patterns: readonly Pattern[], name: string): boolean =>
    patterns.length === 0 || matchesAny(patterns, name);
  return (
    selects(match.templates, template.name) &&
    selects(match.providers, template.provider) &&
    (match.actionClasses.length === 0 || match.actionClasses.includes(template.actionClass)) &&
    (match.sensitivities.length === 0 || match.sensitivities.includes(template.sensitivity))
  );
}

function problemsOf(
  template: CredentialTemplate,
  scope: ScopeTemplate,
  guardrails: readonly Guardrail[],
): readonly Problem[] {
  const { capabilities } = scope;
  return [
    ...placeholderProblems(template, scope),
    ...requirementProblems(template, capabilities, guardrails),
    ...expiryOnlyProblems(template, capabilities),
    ...lifetimeProblems(template, capabilities),
  ];
}

function placeholderProblems(template: CredentialTemplate, scope: ScopeTemplate): Problem[] {
  return [...new Set(scope.placeholders)].flatMap((name) => {
    const parameter = template.parameters.get(name);
    const path = ["spec", "scope"];
    if (parameter === undefined)
      return [{ path, message: `uses the undeclared parameter ${name}`, fix: `declare ${name} under spec.parameters` }];
    const own = ["spec", "parameters", name];
    if (!isClosed(parameter))
      return [{ path: own, message: "stands in the scope, but its alphabet is open", fix: "add enum or alphabet" }];
    if (!isAlwaysPresent(parameter))
      return [
        {
          path: own,
          message: "stands in the scope, but may be left out",
          fix: "add a default, or remove required: false",
        },
      ];
    return [];
  });
}

function requirementProblems(
  template: CredentialTemplate,
  capabilities: Capabilities,
  guardrails: readonly Guardrail[],
): Problem[] {
  const problems: Problem[] = unmetRequirements(template.requires, capabilities).map(({ field, message }) => ({
    path: ["spec", "requires", field],
    message,
    fix: "use another provider or scope, or relax the requirement",
  }));
  for (const { name, match, requires } of guardrails) {
    // One of single agents is judged at the request: the template may serve others.
    if (requires === null || match.agents.length > 0) continue;
    for (const { field, message } of unmetRequirements(requires, capabilities))
      problems.push({
        path: ["spec", "provider"],
        message: `guardrail ${name} requires ${field}: ${message}`,
        fix: "use another provider or scope, or narrow the guardrail",
      });
  }
  return problems;
}

function expiryOnlyProblems(template: CredentialTemplate, { revocation }: Capabilities): Problem[] {
  if (revocation.kind !== "expiry-only") return [];
  if (!template.allowExpiryOnly)
    return [
      {
        path: ["spec", "provider"],
        message: "its credentials cannot be revoked, they only expire",
        fix: "accept that with allowExpiryOnly: true, or use another provider",
      },
    ];
  if (template.ttl.maxSeconds <= maxExpiryOnlySeconds) return [];
  const message = `is over ${maxExpiryOnlySeconds} s for credentials that cannot be revoked`;
  return [{ path: ["spec", "ttl", "maxSeconds"], message, fix: `use at most ${maxExpiryOnlySeconds}` }];
}

/** A credential that outlives its bound needs a kill that works, and the author's word that it may be used. */
function lifetimeProblems(template: CredentialTemplate, capabilities: Capabilities): Problem[] {
  const shortest = shortestLifeSeconds(capabilities);
  const field = shortest > template.ttl.maxSeconds ? "maxSeconds" : "defaultSeconds";
  if (shortest <= template.ttl.defaultSeconds) return [];
  const path = ["spec", "ttl", field];
  const message = `is below the ${shortest} s that the provider's credentials may live`;
  if (!canKillEarly(capabilities)) return [{ path, message, fix: `use at least ${shortest}` }];
  if (template.allowEarlyKill) return [];
  return [{ path, message, fix: `use at least ${shortest}, or set allowEarlyKill: true to kill them before` }];
}
