/** What operators watch: audit, the clock, metrics. */
import type { Broker } from "../../broker/broker.ts";
import type { AuditEntry } from "../../domain/audit-entry.ts";
import { parseTaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { Endpoint } from "../endpoint.ts";
import { invalidMember } from "../request-fault.ts";
import { auditPage } from "../schemas/operate.ts";

export const observeEndpoints = (broker: Broker): readonly Endpoint[] => [auditEndpoint(broker), clockEndpoint(broker)];

const auditEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/audit/entries",
  operation: "listAudit",
  summary: "Audit entries in order of their sequence",
  shape: "problem",
  access: { operatorMay: ["read"] },
  parameters: {
    task_id: "query: only of this task",
    after: "query: sequence of the last entry already read",
    last: `query: only the newest so many of them, at most ${maxPageSize}`,
  },
  answers: { 200: { description: "A page; hashes form a chain over all entries", schema: auditPage } },
  async handle(call, caller) {
    const { task_id: taskText, after: afterText = "0", last: lastText } = call.request.query();
    const taskId = taskText === undefined ? null : parseTaskId(taskText);
    if (taskId === undefined)
      return err(invalidMember("task_id", "wrong_form", "must be the id of a task: tsk_ and 21 letters and digits"));
    if (!/^[0-9]{1,15}$/.test(afterText))
      return err(invalidMember("after", "wrong_form", "must be the sequence of an entry, a whole number"));
    const last = lastText === undefined ? null : Number(lastText);
    if (last !== null && (!/^[0-9]{1,3}$/.test(lastText ?? "") || last < 1 || last > maxPageSize))
      return err(invalidMember("last", "out_of_range", `must be a whole number from 1 to ${maxPageSize}`));
    const entries = await broker.listAudit(caller, { taskId, after: Number(afterText), last });
    if (!entries.ok) return entries;
    const next = entries.value.length === maxPageSize ? entries.value.at(-1)?.sequence : undefined;
    return ok({ status: 200, json: { entries: entries.value.map(entryOf), next } });
  },
});

const entryOf = ({ sequence, at, type, taskId, leaseId, actor, requestId, data, hash }: AuditEntry) => ({
  sequence,
  at: toRfc3339(at),
  type,
  task_id: taskId,
  lease_id: leaseId,
  actor,
  request_id: requestId,
  data,
  hash,
});

const clockEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/admin/clock/accept",
  operation: "acceptClock",
  summary: "Take the host's clock as right again after a suspect step; issuing resumes",
  shape: "problem",
  access: { operatorMay: ["policy"] },
  answers: { 204: { description: "Accepted" } },
  async handle(_call, caller) {
    const accepted = await broker.acceptClock(caller);
    return accepted.ok ? ok({ status: 204 }) : accepted;
  },
});

/** A scraper presents an operator's attestation from a file (Prometheus: `authorization.credentials_file`). */
export const metricsEndpoint = (renderMetrics: () => Promise<string>): Endpoint => ({
  method: "get",
  path: "/metrics",
  operation: "readMetrics",
  summary: "Metrics in the Prometheus text format",
  shape: "problem",
  access: { operatorMay: ["read"] },
  answers: { 200: { description: "Samples", type: "text/plain" } },
  async handle() {
    const text = { type: "text/plain; version=0.0.4; charset=utf-8", value: await renderMetrics() };
    return ok({ status: 200, text });
  },
});
