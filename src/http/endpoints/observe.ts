/** What operators watch: stuck leases, audit, the clock, metrics. */
import type { Broker } from "../../broker/broker.ts";
import { parseAuditCursor } from "../../domain/audit-cursor.ts";
import type { AuditEntry } from "../../domain/audit-entry.ts";
import { parseLeaseId, parseTaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok } from "../../kernel/result.ts";
import { toRfc3339 } from "../../kernel/time.ts";
import type { Endpoint } from "../endpoint.ts";
import { malformed } from "../request-fault.ts";
import { auditHeadAnswer, auditPage, stuckAnswer } from "../schemas/operate.ts";
import { leaseAnswerOf } from "../task-answer.ts";

export const observeEndpoints = (broker: Broker): readonly Endpoint[] => [
  stuckEndpoint(broker),
  auditEndpoint(broker),
  auditHeadEndpoint(broker),
  clockEndpoint(broker),
];

const stuckEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/admin/stuck",
  operation: "listStuck",
  summary: "Credentials whose provider refuses to revoke them: each needs a person",
  shape: "problem",
  access: { operatorMay: ["read"] },
  parameters: { after: "query: next of the page before" },
  answers: { 200: { description: "A page, oldest first", schema: stuckAnswer } },
  async handle(call, caller) {
    const text = call.request.query("after");
    const after = text === undefined ? null : parseLeaseId(text);
    if (after === undefined) return err(malformed("after is not the next of a page"));
    const leases = await broker.listStuck(caller, after);
    if (!leases.ok) return leases;
    const next = leases.value.length === maxPageSize ? leases.value.at(-1)?.leaseId : undefined;
    return ok({ status: 200, json: { leases: leases.value.map(leaseAnswerOf), next } });
  },
});

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
  },
  answers: { 200: { description: "A page; an empty one is the end, for now", schema: auditPage } },
  async handle(call, caller) {
    const { task_id: taskText, after: afterText } = call.request.query();
    const taskId = taskText === undefined ? null : parseTaskId(taskText);
    if (taskId === undefined) return err(malformed("task_id is not the id of a task"));
    const after = afterText === undefined ? null : parseAuditCursor(afterText);
    if (after === undefined) return err(malformed("after is not the next of a page"));
    const page = await broker.listAudit(caller, { taskId, after });
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
