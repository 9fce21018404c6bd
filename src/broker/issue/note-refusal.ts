/**
 * A refusal leaves a record when the caller is proven and registered: who asked for what, and why not. A stranger's
 * request writes nothing, so that nobody can fill the store by knocking.
 */
import { attestationEvidence, causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import type { IssueRequest } from "./request.ts";

export async function noteRefusal(
  parts: Pick<BrokerParts, "ledger" | "metrics">,
  caller: Caller,
  request: IssueRequest,
  fault: Fault,
): Promise<void> {
  const why = "why" in fault ? fault.why : fault.code;
  const detail = "detail" in fault ? fault.detail : "";
  parts.metrics.count("mayfly_decisions_total", { effect: "refused", reason: fault.code });
  // Nothing was decided about the caller: the store or a provider is in trouble.
  if (fault.code === "unavailable") return;
  await parts.ledger.appendAudit({
    type: "request.refused",
    // A task that is not the caller's own gets no entry from it.
    taskId: fault.code === "not_found" ? null : request.taskId,
    leaseId: null,
    cause: causeOf(caller, { attestation: attestationEvidence(caller) }),
    data: { template: request.template, code: fault.code, why, detail },
  });
}
