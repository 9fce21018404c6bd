/**
 * The conditions and requirements that may refuse an issue. Guardrails come first: their denial beats whatever the
 * template says. An error is a denial everywhere; the view is built once, and only if a condition asks for it.
 */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Condition, ConditionOutcome } from "./condition.ts";
import { viewOf, type ConditionFacts, type ConditionView } from "./condition-view.ts";
import type { DenyReason, IssueQuestion, Refusal } from "./decide.ts";
import { unmetRequirements } from "./requirements.ts";
import type { Guardrail, Requirements } from "./resources.ts";

export function denialOf(
  question: IssueQuestion,
  parameters: JsonObject,
  guardrails: readonly Guardrail[],
): Refusal | undefined {
  const { template } = question.template;
  const evaluate = evaluator(question, parameters);
  for (const guardrail of guardrails) {
    const denial = guardrailDenial(guardrail, question, evaluate);
    if (denial !== undefined) return denial;
  }
  const forbidden = evaluate(template.denyWhen, "no");
  if (forbidden.kind !== "no") return denied("deny_when", `denyWhen ${told(forbidden, template.denyWhen)}`);
  const wanted = evaluate(template.when, "yes");
  if (wanted.kind !== "yes") return denied("when", `when ${told(wanted, template.when)}`);
  const unmet = unmetHere(template.requires, question);
  return unmet === undefined ? undefined : denied("requires", unmet);
}

function guardrailDenial(guardrail: Guardrail, question: IssueQuestion, evaluate: Evaluate): Refusal | undefined {
  const { name, deny, denyWhen, requires } = guardrail;
  if (deny) return denied("guardrail", `guardrail ${name} denies`);
  const outcome = evaluate(denyWhen, "no");
  if (outcome.kind !== "no") return denied("guardrail", `guardrail ${name}: denyWhen ${told(outcome, denyWhen)}`);
  const unmet = requires === null ? undefined : unmetHere(requires, question);
  return unmet === undefined ? undefined : denied("requires", `guardrail ${name}: ${unmet}`);
}

/** Capabilities were compared when the policy was bound, except for guardrails of single agents. */
function unmetHere(requires: Requirements, { template, proofOfPossession }: IssueQuestion): string | undefined {
  const [unmet] = unmetRequirements(requires, template.scope.capabilities);
  if (unmet !== undefined) return unmet.message;
  return requires.proofOfPossession && !proofOfPossession ? "no proof of possession was given" : undefined;
}

/** Null counts as the given answer. */
type Evaluate = (condition: Condition | null, absent: "yes" | "no") => ConditionOutcome;

function evaluator(question: IssueQuestion, parameters: JsonObject): Evaluate {
  let view: { readonly value: ConditionView } | undefined;
  return (condition, absent) => {
    if (condition === null) return { kind: absent };
    view ??= { value: viewOf(factsOf(question, parameters)) };
    return condition.evaluate(view.value);
  };
}

function factsOf(question: IssueQuestion, parameters: JsonObject): ConditionFacts {
  const { identity, agent, task, now, proofOfPossession, requestedTtlSeconds } = question;
  const { name, provider, actionClass, sensitivity, ttl } = question.template.template;
  return {
    identity,
    agent: { name: agent.name, ...agent.owners },
    task: {
      context: task?.context ?? {},
      automatic: task?.automatic ?? true,
      depth: task?.depth ?? 1,
      purpose: task?.purpose ?? null,
      ticket: task?.ticket ?? null,
      opener: task?.opener.agent ?? null,
    },
    parameters,
    request: {
      template: name,
      provider,
      actionClass,
      sensitivity,
      ttlSeconds: requestedTtlSeconds ?? ttl.defaultSeconds,
      proofOfPossession,
    },
    now,
  };
}

function told(outcome: ConditionOutcome, condition: Condition | null): string {
  const verdict = outcome.kind === "error" ? `failed (${outcome.detail})` : `is ${String(outcome.kind === "yes")}`;
  return `${verdict}: ${condition?.text ?? ""}`;
}

const denied = (reason: DenyReason, detail: string): Refusal => ({ error: "access_denied", reason, detail });
