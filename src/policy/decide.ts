/** Whether an agent gets a credential of a template now, for how long, and under which limits. Pure. */
import type { Identity } from "../domain/identity.ts";
import type { LimitReservation } from "../domain/limit.ts";
import type { Task } from "../domain/task.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { Result } from "../kernel/result.ts";
import type { EpochMillis, Seconds } from "../kernel/time.ts";
import type { AgentProfile, BoundPolicy, BoundTemplate } from "./resources.ts";

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
  readonly ttlSeconds: Seconds;
  /** The bound that won: `requested`, `template_default`, `template_max`, `guardrail:NAME`, `task_deadline`, `attestation`, `provider_max`. */
  readonly ttlBound: string;
  readonly limits: readonly LimitReservation[];
  /** What audit records of the decision: policy digest, template, matched guardrails, bound. */
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

export type DecideIssue = (question: IssueQuestion) => Result<IssueDecision, Refusal>;
