/** `POST /token` (RFC 8693): an attestation goes in, a credential of the task comes out. */
import type { Broker } from "../../broker/broker.ts";
import type { LeaseId, RequestId } from "../../kernel/ids.ts";
import { err, ok } from "../../kernel/result.ts";
import type { Log } from "../../ports/log.ts";
import type { Endpoint } from "../endpoint.ts";
import { readForm } from "../read-body.ts";
import { tokenAnswer, tokenForm } from "../schemas/token.ts";
import { tokenAnswerOf } from "../token-answer.ts";
import { parseTokenRequest } from "../token-request.ts";

/** RFC 6749 §5.1 asks for it beside Cache-Control, which every answer has. */
const tokenHeaders = { Pragma: "no-cache" };

export const tokenEndpoint = (broker: Broker, log: Log): Endpoint => ({
  method: "post",
  path: "/token",
  operation: "exchangeToken",
  summary: "Exchange an attestation for a credential of a task",
  shape: "token",
  access: "anyone",
  form: tokenForm,
  parameters: { "Idempotency-Key": "header: the same key and request are answered once" },
  answers: { 200: { description: "The credential, delivered once", schema: tokenAnswer } },
  async handle(call) {
    const form = await readForm(call.request);
    if (!form.ok) return form;
    const request = parseTokenRequest(call, form.value);
    if (!request.ok) return request;
    const issued = await broker.issue(request.value);
    if (!issued.ok) return issued;
    const { signal } = call.request.raw;
    const undelivered = (): void => giveUp(broker, log, issued.value.lease.id, call.requestId);
    if (signal.aborted) {
      undelivered();
      return err({ code: "client_gone" });
    }
    // The server aborts the request when the connection closes before the answer is written out.
    signal.addEventListener("abort", undelivered, { once: true });
    return ok({ status: 200, json: tokenAnswerOf(issued.value), headers: tokenHeaders });
  },
});

function giveUp(broker: Broker, log: Log, leaseId: LeaseId, requestId: RequestId): void {
  log.info("undelivered", { request: requestId, lease: leaseId });
  broker.undelivered(leaseId, requestId).catch(() => {
    log.error("undelivered_not_ordered", { request: requestId, lease: leaseId });
  });
}
