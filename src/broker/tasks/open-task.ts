/**
 * Opens a task: an orchestrator for the agents and templates that it may, or a task's own agent for a child. A child is
 * never wider than its parent: fewer or equal templates, agreeing parameters, an earlier or equal deadline. What the
 * conditions of templates read of it is never chosen by an agent, whom they limit: a delegated child has its parent's.
 */
import type { LimitReservation } from "../../domain/limit.ts";
import type { AgentName, TemplateName } from "../../domain/names.ts";
import { attestationEvidence } from "../../domain/identity.ts";
import type { HeartbeatFrom, Task, TaskTemplate } from "../../domain/task.ts";
import { canonicalJson, type JsonObject } from "../../kernel/canonical-json.ts";
import { homeOfId, type TaskId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { secondsToMillis, type Seconds } from "../../kernel/time.ts";
import { mayOpenFor } from "../../policy/callers.ts";
import { faultOfGiven } from "../../policy/parameters.ts";
import { openTaskReservations } from "../../policy/reservations.ts";
import type { BoundPolicy } from "../../policy/resources.ts";
import type { TaskView } from "../../ports/ledger-views.ts";
import { commonFault, storeFault } from "../answer-faults.ts";
import { isOpener, isTaskAgent } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";

export interface OpenTaskRequest {
  readonly agent: AgentName;
  readonly templates: readonly TaskTemplate[];
  readonly deadlineSeconds: Seconds;
  readonly heartbeatSeconds: Seconds | null;
  readonly heartbeatFrom: HeartbeatFrom;
  readonly parentTaskId: TaskId | null;
  readonly purpose: string | null;
  readonly ticket: string | null;
  readonly context: JsonObject;
}

type Parts = Pick<BrokerParts, "ledger" | "ids" | "refusals">;

export async function openTask(
  parts: Parts,
  policy: BoundPolicy,
  caller: Caller,
  request: OpenTaskRequest,
): Promise<Result<Task, Fault>> {
  const opened = await open(parts, policy, caller, request);
  if (!opened.ok) {
    const { agent, parentTaskId: taskId } = request;
    const templates = request.templates.map(({ template }) => template);
    await parts.refusals.note(caller, { request: "open_task", taskId, names: { agent, templates } }, opened.fault);
  }
  return opened;
}

async function open(
  parts: Parts,
  policy: BoundPolicy,
  caller: Caller,
  request: OpenTaskRequest,
): Promise<Result<Task, Fault>> {
  const parent = await findParent(parts, caller, request);
  if (!parent.ok) return parent;
  const refusal = refuse(policy, caller, request, parent.value);
  if (refusal !== null) return err(refusal);
  const facts = isDelegation(caller) && parent.value !== null ? parent.value.task : request;
  const answer = await parts.ledger.openTask({
    task: {
      id: parts.ids.task(request.parentTaskId === null ? undefined : homeOfId(request.parentTaskId)),
      agent: request.agent,
      opener: { agent: caller.profile.name, issuer: caller.identity.issuer, subject: caller.identity.subject },
      parentId: request.parentTaskId,
      templates: request.templates,
      context: facts.context,
      purpose: facts.purpose,
      ticket: facts.ticket,
      automatic: false,
    },
    deadline: secondsToMillis(request.deadlineSeconds),
    heartbeat:
      request.heartbeatSeconds === null
        ? null
        : { everySeconds: request.heartbeatSeconds, from: request.heartbeatFrom },
    limits: limitsOf(policy, caller, request.agent),
    cause: causeOf(caller, { attestation: attestationEvidence(caller.identity), policy: policy.digest }),
  });
  if (answer.kind === "ok") return ok(answer.value);
  if (answer.kind === "unknown") return err(storeFault);
  const { conflict } = answer;
  if (conflict.reason === "too_deep")
    return err({ code: "malformed", message: "the task tree is as deep as it may be" });
  return err(conflict.reason === "id_taken" ? storeFault : commonFault(conflict, request.parentTaskId));
}

async function findParent(
  parts: Pick<BrokerParts, "ledger">,
  caller: Caller,
  request: OpenTaskRequest,
): Promise<Result<TaskView | null, Fault>> {
  if (request.parentTaskId === null) return ok(null);
  const view = await parts.ledger.readTask(request.parentTaskId);
  if (view === undefined || !(isOpener(caller, view.task) || isTaskAgent(caller, view.task)))
    return err({ code: "not_found" });
  if (view.gate.kind === "closed")
    return err({ code: "task_closed", gate: view.gate.reason, taskId: request.parentTaskId });
  return ok(view);
}

function refuse(policy: BoundPolicy, caller: Caller, request: OpenTaskRequest, parent: TaskView | null): Fault | null {
  const denied = (why: string, detail: string): Fault => ({ code: "denied", why, detail });
  if (policy.agents.get(request.agent)?.role.kind !== "agent")
    return denied("unknown_agent", `no agent ${request.agent}`);
  const templates: readonly TemplateName[] = request.templates.map((entry) => entry.template);
  const unknown = templates.find((name) => !policy.bound.has(name));
  if (unknown !== undefined) return denied("unknown_template", `no template ${unknown}`);
  const asOrchestrator = mayOpenFor(caller.profile, request.agent, templates);
  const asParentAgent = parent !== null && isTaskAgent(caller, parent.task) && mayDelegate(caller, parent.task);
  if (!asOrchestrator && !asParentAgent) return denied("may_not_open", "neither mayOpenFor nor delegation allows it");
  const unfit = refuseParameters(policy, request.templates);
  if (unfit !== null || parent === null) return unfit;
  const widened = request.templates.find((entry) => !isWithin(entry, parent.task));
  if (widened !== undefined) return denied("wider_than_parent", `template ${widened.template}`);
  const told = isDelegation(caller) ? otherFact(request, parent.task) : undefined;
  return told === undefined ? null : denied("wider_than_parent", `${told} is not the parent's`);
}

/** Said now rather than at each exchange: what a task fixes wrongly could never become a credential. */
function refuseParameters(policy: BoundPolicy, templates: readonly TaskTemplate[]): Fault | null {
  for (const { template, parameters } of templates) {
    const schema = policy.bound.get(template)?.template.parameters;
    const fault = schema === undefined ? undefined : faultOfGiven(schema, parameters);
    if (fault === undefined) continue;
    const what = fault.parameter === null ? "the task" : `parameter ${fault.parameter}`;
    return { code: "invalid_details", why: "parameters", detail: `template ${template}: ${what} ${fault.message}` };
  }
  return null;
}

function limitsOf(policy: BoundPolicy, caller: Caller, name: AgentName): readonly LimitReservation[] {
  const agent = policy.agents.get(name);
  return agent === undefined ? [] : openTaskReservations(agent, caller.profile);
}

const isDelegation = (caller: Caller): boolean => caller.profile.role.kind === "agent";

/** What a delegating agent says differently of the child; what it leaves out is taken from the parent. */
function otherFact(request: OpenTaskRequest, parent: Task): "context" | "purpose" | "ticket" | undefined {
  const hasContext = Object.keys(request.context).length > 0;
  if (hasContext && canonicalJson(request.context) !== canonicalJson(parent.context)) return "context";
  if (request.purpose !== null && request.purpose !== parent.purpose) return "purpose";
  return request.ticket !== null && request.ticket !== parent.ticket ? "ticket" : undefined;
}

/** `maxDepth` counts the levels below a root task that this agent may add to. */
function mayDelegate(caller: Caller, parent: Task): boolean {
  const { role } = caller.profile;
  return role.kind === "agent" && role.delegation !== null && parent.depth <= role.delegation.maxDepth;
}

/** The parent may use the template, with no parameter fixed to something else or left open that the parent fixed. */
function isWithin(entry: TaskTemplate, parent: Task): boolean {
  return parent.templates.some(
    (allowed) =>
      allowed.template === entry.template &&
      Object.entries(allowed.parameters).every(([name, value]) => {
        const own = entry.parameters[name];
        return value === undefined || (own !== undefined && canonicalJson(own) === canonicalJson(value));
      }),
  );
}
