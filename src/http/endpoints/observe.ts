/** What operators watch: audit, the clock, metrics. */
import type { Broker } from "../../broker/broker.ts";
import { parseAuditCursor } from "../../domain/audit-cursor.ts";
import type { AuditEntry } from "../../domain/audit-entry.ts";
import { parseTaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { Endpoint } from "../endpoint.ts";
import { invalidMember } from "../request-fault.ts";
import { auditHeadAnswer, auditPage } from "../schemas/operate.ts";

export const observeEndpoints = (broker: Broker): readonly Endpoint[] => [
  auditEndpoint(broker),
  auditHeadEndpoint(broker),
  clockEndpoint(broker),
];

const auditEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/audit/entries",
  operation: "listAudit",
  summary: "Audit entries, oldest first; those of one shard in order of their sequence",
  shape: "problem",
  access: { operatorMay: ["read"] },
  parameters: {
    task_id: "query: only of this task",
    after: "query: next of the page before; left out: from the beginning",
    last: `query: only the newest so many of them, at most ${maxPageSize}`,
  },
  answers: { 200: { description: "A page; an empty one is the end, for now", schema: auditPage } },
  async handle(call, caller) {
    const { task_id: taskText, after: afterText, last: lastText } = call.request.query();
    const taskId = taskText === undefined ? null : parseTaskId(taskText);
    if (taskId === undefined)
      return err(invalidMember("task_id", "wrong_form", "must be the id of a task: tsk_ and 21 letters and digits"));
    const after = afterText === undefined ? null : parseAuditCursor(afterText);
    if (after === undefined) return err(invalidMember("after", "wrong_form", "must be the next of an earlier page"));
    const last = lastText === undefined ? null : Number(lastText);
    if (last !== null && (!/^[0-9]{1,3}$/.test(lastText ?? "") || last < 1 || last > maxPageSize))
      return err(invalidMember("last", "out_of_range", `must be a whole number from 1 to ${maxPageSize}`));
    const page = await broker.listAudit(caller, { taskId, after, last });
    if (!page.ok) return page;
    return ok({ status: 200, json: { entries: page.value.entries.map(entryOf), next: page.value.next } });
  },
});

const auditHeadEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/audit/head",
  operation: "readAuditHead",
  summary: "Where the audit ends now: read on from here to see only what is new",
  shape: "problem",
  access: { operatorMay: ["read"] },
  answers: { 200: { description: "The end", schema: auditHeadAnswer } },
  async handle(_call, caller) {
    const head = await broker.auditHead(caller);
    return head.ok ? ok({ status: 200, json: { next: head.value } }) : head;
  },
});

const entryOf = ({ shard, sequence, at, type, taskId, leaseId, actor, requestId, data, hash }: AuditEntry) => ({
  shard,
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
