/** Step 2 of an issue: is this agent given this template, for this task, now, and for how long? Writes nothing. */
import type { Task } from "../../domain/task.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { decideIssue, type IssueDecision, type Refusal } from "../../policy/decide.ts";
import type { BoundPolicy, BoundTemplate } from "../../policy/resources.ts";
import { unreachable } from "../../kernel/unreachable.ts";
import { isTaskAgent } from "../callers/may.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import type { IssueRequest } from "./request.ts";

export interface Decided {
  readonly caller: Caller;
  readonly template: BoundTemplate;
  readonly task: Task | null;
  readonly decision: IssueDecision;
}

export async function decide(
  parts: Pick<BrokerParts, "ledger" | "clock">,
  policy: BoundPolicy,
  caller: Caller,
  request: IssueRequest,
): Promise<Result<Decided, Fault>> {
  if (caller.profile.role.kind !== "agent") {
    return err({ code: "denied", why: "not_an_agent", detail: `role ${caller.profile.role.kind} gets no credentials` });
  }
  if (request.clientId !== null && request.clientId !== caller.profile.name) return err({ code: "foreign_client" });
  const template = policy.bound.get(request.template);
  if (template === undefined) {
    return err({ code: "invalid_scope", why: "unknown_template", detail: request.template });
  }
  const wrongTarget = [request.audience, request.resource].find(
    (asked) => asked !== null && asked !== template.scope.audience,
  );
  if (wrongTarget !== undefined) return err({ code: "invalid_target", detail: "not what the template gives" });
  const task = await findTask(parts, caller, request);
  if (!task.ok) return task;
  const decision = decideIssue({
    policy,
    identity: caller.identity,
    agent: caller.profile,
    template,
    task: task.value,
    parameters: request.parameters,
    requestedTtlSeconds: request.requestedTtlSeconds,
    proofOfPossession: false,
    now: parts.clock.now(),
  });
  if (!decision.ok) return err(refusalFault(decision.fault));
  return ok({ caller, template, task: task.value, decision: decision.value });
}

/** Only the task's own agent learns that a task exists. */
async function findTask(
  parts: Pick<BrokerParts, "ledger">,
  caller: Caller,
  request: IssueRequest,
): Promise<Result<Task | null, Fault>> {
  if (request.taskId === null) return ok(null);
  const view = await parts.ledger.readTask(request.taskId);
  if (view === undefined || !isTaskAgent(caller, view.task)) return err({ code: "not_found" });
  if (view.gate.kind === "closed") return err({ code: "task_closed", gate: view.gate.reason, taskId: request.taskId });
  return ok(view.task);
}

function refusalFault(refusal: Refusal): Fault {
  switch (refusal.error) {
    case "access_denied":
      return { code: "denied", why: refusal.reason, detail: refusal.detail };
    case "invalid_scope":
      return { code: "invalid_scope", why: refusal.reason, detail: refusal.detail };
    case "invalid_authorization_details":
      return { code: "invalid_details", why: refusal.reason, detail: refusal.detail };
    case "invalid_request":
      return { code: "malformed", message: refusal.detail };
    default:
      return unreachable(refusal);
  }
}
