/** A Guardrail: an organisation-wide denial or cap. One that does nothing is a fault: somebody believes in it. */
import type { Result } from "../../kernel/result.ts";
import { seconds } from "../../kernel/time.ts";
import { conditionNames } from "../condition.ts";
import type { Guardrail } from "../resources.ts";
import type { Problem } from "./fault.ts";
import { limitsOf, readCondition, requirementsOf } from "./read-template.ts";
import { createProblems, settle, type Document } from "./reader.ts";

const names = conditionNames(null);

export function readGuardrail(document: Document<"Guardrail">): Result<Guardrail, readonly Problem[]> {
  const { spec } = document;
  const problems = createProblems();
  const doesNothing =
    !spec.deny &&
    spec.denyWhen === undefined &&
    spec.maxTtlSeconds === undefined &&
    spec.requires === undefined &&
    Object.keys(spec.limits).length === 0;
  if (doesNothing)
    problems.add({
      path: ["spec"],
      message: "denies and caps nothing",
      fix: "add deny, denyWhen, maxTtlSeconds, requires or limits",
    });
  const { agents, templates, providers, actionClasses, sensitivities } = spec.match;
  return settle(problems, {
    name: document.name,
    match: {
      agents: problems.patterns(agents, ["spec", "match", "agents"]),
      templates: problems.patterns(templates, ["spec", "match", "templates"]),
      providers: problems.patterns(providers, ["spec", "match", "providers"]),
      actionClasses,
      sensitivities,
    },
    deny: spec.deny,
    denyWhen: readCondition(spec.denyWhen, ["spec", "denyWhen"], names, problems),
    maxTtlSeconds: spec.maxTtlSeconds === undefined ? null : seconds(spec.maxTtlSeconds),
    requires: spec.requires === undefined ? null : requirementsOf(spec.requires),
    limits: limitsOf(spec.limits),
  });
}
