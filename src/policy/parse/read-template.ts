/** A CredentialTemplate: what may be asked for, by whom, for how long, under which conditions. */
import type { ProviderName, TemplateName } from "../../domain/names.ts";
import type { JsonObject } from "../../kernel/canonical-json.ts";
import type { Result } from "../../kernel/result.ts";
import { seconds } from "../../kernel/time.ts";
import { conditionNames, type Condition, type ConditionNames } from "../condition.ts";
import type { CredentialTemplate, Requirements, TemplateLimits } from "../resources.ts";
import type { Path, Problem } from "./fault.ts";
import { readParameters } from "./read-parameters.ts";
import { createProblems, settle, type Document, type Problems } from "./reader.ts";
import type { LimitsSpec, RequirementsSpec } from "./schemas.ts";

export function readTemplate(document: Document<"CredentialTemplate">): Result<CredentialTemplate, readonly Problem[]> {
  const { spec } = document;
  const problems = createProblems();
  const agents = problems.patterns(spec.agents, ["spec", "agents"]);
  if (spec.ttl.defaultSeconds > spec.ttl.maxSeconds)
    problems.add({
      path: ["spec", "ttl", "defaultSeconds"],
      message: "is above maxSeconds",
      fix: `use at most ${spec.ttl.maxSeconds}, or raise maxSeconds`,
    });
  const parameters = readParameters(spec.parameters, problems);
  // With faulty parameters every mention of them would be reported a second time.
  const names = problems.list().length === 0 ? conditionNames(parameters) : null;
  return settle(problems, {
    name: document.name as TemplateName,
    provider: spec.provider as ProviderName,
    agents,
    actionClass: spec.actionClass,
    sensitivity: spec.sensitivity,
    ttl: { defaultSeconds: seconds(spec.ttl.defaultSeconds), maxSeconds: seconds(spec.ttl.maxSeconds) },
    parameters,
    scope: spec.scope as JsonObject,
    when: readCondition(spec.when, ["spec", "when"], names, problems),
    denyWhen: readCondition(spec.denyWhen, ["spec", "denyWhen"], names, problems),
    limits: limitsOf(spec.limits),
    requires: requirementsOf(spec.requires),
    autoTask: spec.autoTask,
    allowEarlyKill: spec.allowEarlyKill,
    allowExpiryOnly: spec.allowExpiryOnly,
    issueWhenKillPathBroken: spec.issueWhenKillPathBroken,
  });
}

export function readCondition(
  text: string | undefined,
  path: Path,
  names: ConditionNames | null,
  problems: Problems,
): Condition | null {
  if (text === undefined || names === null) return null;
  const compiled = names.compile(text);
  if (compiled.ok) return compiled.value;
  problems.add({ path, ...compiled.fault });
  return null;
}

export const limitsOf = (spec: LimitsSpec): TemplateLimits => ({
  liveLeasesPerTask: spec.liveLeasesPerTask ?? null,
  liveLeasesPerTree: spec.liveLeasesPerTree ?? null,
  liveLeasesPerAgent: spec.liveLeasesPerAgent ?? null,
  liveLeases: spec.liveLeases ?? null,
  mintsPerMinutePerAgent: spec.mintsPerMinutePerAgent ?? null,
  mintsPerMinute: spec.mintsPerMinute ?? null,
});

export const requirementsOf = (spec: RequirementsSpec | undefined): Requirements => ({
  revocation: spec?.revocation ?? null,
  probe: spec?.probe ?? null,
  killsOpenSessions: spec?.killsOpenSessions ?? false,
  proofOfPossession: spec?.proofOfPossession ?? false,
});
