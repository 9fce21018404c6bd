/** One exchange as the HTTP layer parsed it: types hold, nothing is decided. */
import type { TemplateName } from "../../domain/names.ts";
import type { JsonObject } from "../../kernel/canonical-json.ts";
import type { LeaseId, RequestId, TaskId } from "../../kernel/ids.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import type { EpochMillis, Seconds } from "../../kernel/time.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Task } from "../../domain/task.ts";
import type { Capabilities } from "../../domain/capabilities.ts";
import type { Credential } from "../../ports/provider.ts";

export interface IssueRequest {
  readonly requestId: RequestId;
  readonly attestation: Redacted;
  readonly template: TemplateName;
  /** Null asks for a task opened by this exchange. */
  readonly taskId: TaskId | null;
  readonly parameters: JsonObject;
  readonly requestedTtlSeconds: Seconds | null;
  readonly replaces: LeaseId | null;
  readonly idempotencyKey: string | null;
  readonly clientId: string | null;
  /** `resource`, `audience`: accepted only where they agree with what the template gives. */
  readonly audience: string | null;
  readonly resource: string | null;
  readonly requestedTokenType: string | null;
}

/** What is told to the agent, once. */
export interface IssueAnswer {
  readonly credential: Credential;
  readonly lease: Lease;
  readonly task: Task;
  readonly template: TemplateName;
  readonly parameters: JsonObject;
  readonly expiresInSeconds: Seconds;
  readonly ttlBound: string;
  readonly providerExpiresAt: EpochMillis;
  readonly revocation: Capabilities["revocation"];
}
