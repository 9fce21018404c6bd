/** Tasks: opened by an orchestrator, kept alive by heartbeats, ended once. Ending answers with the truth per credential. */
import type { Broker } from "../../broker/broker.ts";
import type { OpenTaskRequest } from "../../broker/tasks/open-task.ts";
import type { Wait } from "../../broker/tasks/wait.ts";
import { brand } from "../../kernel/brand.ts";
import { parseLeaseId, parseTaskId, type LeaseId, type TaskId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { seconds, type Seconds } from "../../kernel/time.ts";
import type { AgentName, TemplateName } from "../../domain/names.ts";
import type { Call, Endpoint } from "../endpoint.ts";
import { waitPreferred } from "../prefer.ts";
import { readJson } from "../read-body.ts";
import { invalidCursor, type HttpFault } from "../request-fault.ts";
import { endTaskBody, openTaskBody, taskReport, taskState, type OpenTaskBody } from "../schemas/task.ts";
import { openTaskState, taskAnswerOf } from "../task-answer.ts";

const idParameter = { id: "path: id of the task" };
const preferParameter = { Prefer: "header: wait=N, at most 30 seconds (RFC 7240)" };

export const taskEndpoints = (broker: Broker): readonly Endpoint[] => [
  openEndpoint(broker),
  readEndpoint(broker),
  heartbeatEndpoint(broker),
  endEndpoint(broker),
];

const openEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/tasks",
  operation: "openTask",
  summary: "Open a task for an agent",
  shape: "problem",
  access: "attested",
  json: openTaskBody,
  answers: { 201: { description: "Open; the agent may exchange now", schema: taskState } },
  async handle(call, caller) {
    const body = await readJson(call.request, openTaskBody);
    if (!body.ok) return body;
    const request = openRequestOf(body.value);
    if (!request.ok) return request;
    const task = await broker.openTask(caller, request.value);
    if (!task.ok) return task;
    return ok({ status: 201, json: openTaskState(task.value), headers: { Location: `/tasks/${task.value.id}` } });
  },
});

const readEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/tasks/{id}",
  operation: "readTask",
  summary: "Read a task and every credential that it ever got",
  shape: "problem",
  access: "attested",
  parameters: { ...idParameter, after: "query: next of the page before", ...preferParameter },
  answers: { 200: { description: "The state; with Prefer: wait, at its next change", schema: taskReport } },
  async handle(call, caller) {
    const taskId = taskIdOf(call);
    if (!taskId.ok) return taskId;
    const after = pageAfter(call);
    if (!after.ok) return after;
    const wait = waitPreferred(call.request.header("Prefer"));
    const query = { taskId: taskId.value, after: after.value, wait: waitOf(call, wait.seconds) };
    const report = await broker.readTask(caller, query);
    return report.ok ? ok({ status: 200, json: taskAnswerOf(report.value), headers: wait.headers }) : report;
  },
});

const heartbeatEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/tasks/{id}/heartbeat",
  operation: "heartbeat",
  summary: "Say that a task is alive; never moves its deadline",
  shape: "problem",
  access: "attested",
  parameters: idParameter,
  answers: { 200: { description: "When silence closes the task now", schema: taskState } },
  async handle(call, caller) {
    const taskId = taskIdOf(call);
    if (!taskId.ok) return taskId;
    const task = await broker.heartbeat(caller, taskId.value);
    return task.ok ? ok({ status: 200, json: openTaskState(task.value) }) : task;
  },
});

const endEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/tasks/{id}/end",
  operation: "endTask",
  summary: "End a task; the first end wins, a repeat reads it",
  shape: "problem",
  access: "attested",
  json: endTaskBody,
  parameters: { ...idParameter, ...preferParameter },
  answers: { 200: { description: "Ended, durably, before any waiting", schema: taskReport } },
  async handle(call, caller) {
    const taskId = taskIdOf(call);
    if (!taskId.ok) return taskId;
    const body = await readJson(call.request, endTaskBody);
    if (!body.ok) return body;
    const wait = waitPreferred(call.request.header("Prefer"));
    const { outcome, reason = null } = body.value;
    const report = await broker.endTask(caller, {
      taskId: taskId.value,
      outcome,
      reason,
      wait: waitOf(call, wait.seconds),
    });
    return report.ok ? ok({ status: 200, json: taskAnswerOf(report.value), headers: wait.headers }) : report;
  },
});

function openRequestOf(body: OpenTaskBody): Result<OpenTaskRequest, HttpFault> {
  const parentTaskId = body.parent_task_id === undefined ? null : parseTaskId(body.parent_task_id);
  if (parentTaskId === undefined) return err({ code: "not_found" });
  return ok({
    agent: brand<AgentName>(body.agent),
    templates: body.templates.map(({ template, parameters = {} }) => ({
      template: brand<TemplateName>(template),
      parameters,
    })),
    deadlineSeconds: seconds(body.deadline_seconds),
    heartbeatSeconds: body.heartbeat_seconds === undefined ? null : seconds(body.heartbeat_seconds),
    heartbeatFrom: body.heartbeat_from ?? "agent",
    parentTaskId,
    purpose: body.purpose ?? null,
    ticket: body.ticket ?? null,
    context: body.context ?? {},
  });
}

function taskIdOf(call: Call): Result<TaskId, HttpFault> {
  const taskId = parseTaskId(call.request.param("id") ?? "");
  return taskId === undefined ? err({ code: "not_found" }) : ok(taskId);
}

function pageAfter(call: Call): Result<LeaseId | null, HttpFault> {
  const text = call.request.query("after");
  const after = text === undefined ? null : parseLeaseId(text);
  return after === undefined ? err(invalidCursor) : ok(after);
}

/** A client that hung up waits for nothing. */
const waitOf = (call: Call, waitSeconds: Seconds): Wait | null =>
  waitSeconds === 0 ? null : { seconds: waitSeconds, signal: call.request.raw.signal };
