/**
 * Who may do what to a task (everyone else gets the answer of an unknown id). Callers match by AgentProfile, and an
 * opener by issuer and subject too, so that a profile that was pointed elsewhere does not inherit old tasks.
 */
import type { Task } from "../../domain/task.ts";
import type { TaskView } from "../../ports/ledger-views.ts";
import type { OperatorRight } from "../../policy/resources.ts";
import type { Caller } from "../parts.ts";

export const isTaskAgent = (caller: Caller, task: Task): boolean =>
  caller.profile.role.kind === "agent" && caller.profile.name === task.agent;

export const isOpener = (caller: Caller, task: Task): boolean =>
  caller.profile.name === task.opener.agent &&
  caller.identity.issuer === task.opener.issuer &&
  caller.identity.subject === task.opener.subject;

export function isOperator(caller: Caller, right: OperatorRight): boolean {
  return caller.profile.role.kind === "operator" && caller.profile.role.may.includes(right);
}

/** The opener, the task's own agent, an ancestor's agent, operators who may read. */
export function mayRead(caller: Caller, view: TaskView): boolean {
  return isConcerned(caller, view) || isOperator(caller, "read");
}

/** The same, but operators need the right to kill. */
export function mayEnd(caller: Caller, view: TaskView): boolean {
  return isConcerned(caller, view) || isOperator(caller, "kill");
}

function isConcerned(caller: Caller, view: TaskView): boolean {
  const isAncestorAgent = view.ancestors.some((ancestor) => isTaskAgent(caller, ancestor));
  return isOpener(caller, view.task) || isTaskAgent(caller, view.task) || isAncestorAgent;
}

export function mayHeartbeat(caller: Caller, task: Task): boolean {
  const from = task.heartbeat?.from ?? "agent";
  if (from !== "orchestrator" && isTaskAgent(caller, task)) return true;
  return from !== "agent" && isOpener(caller, task);
}
