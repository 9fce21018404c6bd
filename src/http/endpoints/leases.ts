/** One credential, as those concerned with its task see it, and its early end by them. */
import type { Broker } from "../../broker/broker.ts";
import { parseLeaseId, type LeaseId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { Call, Endpoint } from "../endpoint.ts";
import type { HttpFault } from "../request-fault.ts";
import { leaseReport } from "../schemas/task.ts";
import { leaseAnswerOf } from "../task-answer.ts";

const parameters = { id: "path: id of the lease" };

export const leaseEndpoints = (broker: Broker): readonly Endpoint[] => [
  {
    method: "get",
    path: "/leases/{id}",
    operation: "readLease",
    summary: "Read what is known of a credential's life and death",
    shape: "problem",
    access: "attested",
    parameters,
    answers: { 200: { description: "As of now", schema: leaseReport } },
    async handle(call, caller) {
      const leaseId = leaseIdOf(call);
      if (!leaseId.ok) return leaseId;
      const report = await broker.readLease(caller, leaseId.value);
      return report.ok ? ok({ status: 200, json: leaseAnswerOf(report.value) }) : report;
    },
  },
  {
    method: "delete",
    path: "/leases/{id}",
    operation: "deleteLease",
    summary: "Have one credential killed while its task goes on",
    shape: "problem",
    access: "attested",
    parameters,
    answers: { 200: { description: "Due for revocation, durably; the verdict follows", schema: leaseReport } },
    async handle(call, caller) {
      const leaseId = leaseIdOf(call);
      if (!leaseId.ok) return leaseId;
      const report = await broker.deleteLease(caller, leaseId.value);
      return report.ok ? ok({ status: 200, json: leaseAnswerOf(report.value) }) : report;
    },
  },
];

/** An id that cannot exist is answered like one that does not. */
function leaseIdOf(call: Call): Result<LeaseId, HttpFault> {
  const leaseId = parseLeaseId(call.request.param("id") ?? "");
  return leaseId === undefined ? err({ code: "not_found" }) : ok(leaseId);
}
