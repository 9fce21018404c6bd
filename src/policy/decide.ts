/** Whether an agent gets a credential of a template now, for how long, and under which limits. Pure. */
import { attestationEvidence, type Identity } from "../domain/identity.ts";
import type { LimitReservation } from "../domain/limit.ts";
import type { Task } from "../domain/task.ts";
import type { Json, JsonObject } from "../kernel/canonical-json.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { EpochMillis, Seconds } from "../kernel/time.ts";
import { denialOf } from "./denial.ts";
import { parseParameters } from "./parameters.ts";
import { matchesAny } from "./pattern.ts";
import { autoTaskReservation, guardrailReservations, templateReservations } from "./reservations.ts";
import type { AgentProfile, BoundPolicy, BoundTemplate, Guardrail } from "./resources.ts";
import { ttlBounds } from "./ttl-bounds.ts";
import { chooseTtl, type Ttl, type TtlBound } from "./ttl.ts";

export interface IssueQuestion {
  readonly policy: BoundPolicy;
  readonly identity: Identity;
  readonly agent: AgentProfile;
  readonly template: BoundTemplate;
  /** Null for the task that this exchange would open. */
  readonly task: Task | null;
  /** As asked in authorization details; undefined members fall back to the task's and then to the schema's default. */
  readonly parameters: JsonObject;
  readonly requestedTtlSeconds: Seconds | null;
  readonly proofOfPossession: boolean;
  readonly now: EpochMillis;
}

export interface IssueDecision {
  /** Effective, validated parameters; echoed as granted authorization details. */
  readonly parameters: JsonObject;
  /** The template's scope filled by its provider. */
  readonly scope: unknown;
  /** The least of all bounds, never rounded up. */
  readonly ttlSeconds: Seconds;
  /** The bound that won: `requested`, `template_default`, `template_max`, `guardrail:NAME`, `task_deadline`, `attestation`, `provider_max`. */
  readonly ttlBound: string;
  readonly limits: readonly LimitReservation[];
  /** What audit records of the decision: who proved what, policy digest, template, matched guardrails, bound. */
  readonly evidence: JsonObject;
}

export type Refusal =
  | { readonly error: "access_denied"; readonly reason: DenyReason; readonly detail: string }
  | {
      readonly error: "invalid_authorization_details" | "invalid_scope" | "invalid_request";
      readonly reason: string;
      readonly detail: string;
    };

export type DenyReason =
  | "agent_not_in_template"
  | "template_not_in_task"
  | "auto_task_not_allowed"
  | "guardrail"
  | "when"
  | "deny_when"
  | "requires"
  | "ttl_not_possible";

/** `detail` is for log and audit: made of the policy's own text, never of the caller's. `reason` is for the caller. */
export function decideIssue(question: IssueQuestion): Result<IssueDecision, Refusal> {
  const asker = checkAsker(question);
  if (!asker.ok) return asker;
  const parameters = readParameters(question);
  if (!parameters.ok) return parameters;
  const guardrails = question.template.guardrails.filter(
    ({ match }) => match.agents.length === 0 || matchesAny(match.agents, question.agent.name),
  );
  const denial = denialOf(question, parameters.value, guardrails);
  if (denial !== undefined) return err(denial);
  const bounds = ttlBounds(question, guardrails);
  const { capabilities } = question.template.scope;
  const { allowEarlyKill } = question.template.template;
  const ttl = chooseTtl(bounds, { capabilities, allowEarlyKill });
  if (!ttl.ok) return err(denied("ttl_not_possible", ttl.fault));
  const scope = question.template.scope.fill(present(parameters.value));
  if (!scope.ok) return err(unfit("scope", `the provider refuses the scope at ${scope.fault.path}`));
  return ok({
    parameters: parameters.value,
    scope: scope.value,
    ttlSeconds: ttl.value.ttlSeconds,
    ttlBound: ttl.value.bound,
    limits: reservations(question, guardrails),
    evidence: evidenceOf({ question, guardrails, bounds, ttl: ttl.value, parameters: parameters.value }),
  });
}

/** The agent may use the template, and the task was opened for it. */
function checkAsker({ agent, template: bound, task, requestedTtlSeconds }: IssueQuestion): Result<void, Refusal> {
  const { template } = bound;
  if (requestedTtlSeconds !== null && !(Number.isSafeInteger(requestedTtlSeconds) && requestedTtlSeconds > 0))
    return err({
      error: "invalid_request",
      reason: "requested_ttl",
      detail: "requested_ttl must be a positive whole number",
    });
  if (agent.role.kind !== "agent" || !matchesAny(template.agents, agent.name))
    return err(denied("agent_not_in_template", `template ${template.name} does not name agent ${agent.name}`));
  if (task === null) {
    return template.autoTask
      ? ok()
      : err(denied("auto_task_not_allowed", `template ${template.name} needs a task_id (autoTask is off)`));
  }
  const isNamed = task.templates.some((entry) => entry.template === template.name);
  if (task.agent === agent.name && isNamed) return ok();
  return err(denied("template_not_in_task", `task ${task.id} was not opened for template ${template.name}`));
}

/** What the task froze must be repeated or left out; what is then still open comes from the request or a default. */
function readParameters({ template, task, parameters }: IssueQuestion): Result<JsonObject, Refusal> {
  const entry = task?.templates.find((allowed) => allowed.template === template.template.name);
  const frozen = entry?.parameters ?? {};
  for (const [name, value] of Object.entries(frozen)) {
    const asked = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (asked !== undefined && asked !== value)
      return err(unfit("parameters_differ_from_task", `the task fixes ${name} to another value`));
  }
  const parsed = parseParameters(template.template.parameters, { ...parameters, ...frozen });
  if (parsed.ok) return parsed;
  const { parameter, message } = parsed.fault;
  return err(unfit("parameters", parameter === null ? `the request ${message}` : `parameter ${parameter} ${message}`));
}

function reservations({ agent, template, task }: IssueQuestion, guardrails: readonly Guardrail[]): LimitReservation[] {
  const counted = { agent: agent.name, task };
  const limits = [...templateReservations(template.template.name, template.template.limits, counted)];
  for (const guardrail of guardrails) limits.push(...guardrailReservations(guardrail, counted));
  if (task === null && agent.role.kind === "agent") limits.push(autoTaskReservation(agent.name, agent.role.autoTasks));
  return limits;
}

/** Parameters are not secrets: they are what a reviewer of the audit needs to see. In order, which is faster to write. */
function evidenceOf(decided: {
  readonly question: IssueQuestion;
  readonly guardrails: readonly Guardrail[];
  readonly bounds: readonly TtlBound[];
  readonly ttl: Ttl;
  readonly parameters: JsonObject;
}): JsonObject {
  const { question, guardrails, bounds, ttl, parameters } = decided;
  const { name, provider, actionClass, sensitivity } = question.template.template;
  const named = bounds.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return {
    action_class: actionClass,
    attestation: attestationEvidence(question.identity),
    guardrails: guardrails.map((guardrail) => guardrail.name),
    parameters,
    policy: question.policy.digest,
    provider,
    sensitivity,
    template: name,
    ttl_bound: ttl.bound,
    ttl_bounds: Object.fromEntries(named.map((bound) => [bound.name, Math.floor(bound.seconds)])),
    ttl_seconds: ttl.ttlSeconds,
  };
}

/** The same members, with the type that says that none is undefined. */
const present = (parameters: JsonObject): Record<string, Json> => {
  const members: Record<string, Json> = {};
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) members[name] = value;
  return members;
};

const denied = (reason: DenyReason, detail: string): Refusal => ({ error: "access_denied", reason, detail });
const unfit = (reason: string, detail: string): Refusal => ({ error: "invalid_authorization_details", reason, detail });
