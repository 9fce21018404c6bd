/** Leases whose provider refuses the kill: what they need, and trying them again once that was done. */
import type { Broker } from "../../broker/broker.ts";
import type { RetryScope } from "../../broker/operate/retry.ts";
import type { TargetName } from "../../domain/names.ts";
import { brand } from "../../kernel/brand.ts";
import { parseLeaseId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import { err, ok } from "../../kernel/result.ts";
import type { Endpoint } from "../endpoint.ts";
import { readJson } from "../read-body.ts";
import { invalidCursor } from "../request-fault.ts";
import { retryAnswer, retryBody, stuckAnswer, type RetryScopeBody } from "../schemas/operate.ts";
import { leaseAnswerOf } from "../task-answer.ts";

export const stuckEndpoints = (broker: Broker): readonly Endpoint[] => [listEndpoint(broker), retryEndpoint(broker)];

const listEndpoint = (broker: Broker): Endpoint => ({
  method: "get",
  path: "/admin/stuck",
  operation: "listStuck",
  summary: "Credentials whose provider refuses to revoke them: each needs a person",
  shape: "problem",
  access: { operatorMay: ["read"] },
  parameters: { after: "query: next of the page before" },
  answers: { 200: { description: "A page, oldest first", schema: stuckAnswer } },
  async handle(call, caller) {
    const after = pageStart(call.request.query("after"));
    if (after === undefined) return err(invalidCursor);
    const leases = await broker.listStuck(caller, after);
    if (!leases.ok) return leases;
    const next = leases.value.length === maxPageSize ? leases.value.at(-1)?.leaseId : undefined;
    return ok({ status: 200, json: { leases: leases.value.map(leaseAnswerOf), next } });
  },
});

const retryEndpoint = (broker: Broker): Endpoint => ({
  method: "post",
  path: "/admin/stuck/retry",
  operation: "retryStuck",
  summary: "Try the kill of stuck credentials now: of one, of a target, or of all, a page at a time",
  shape: "problem",
  access: { operatorMay: ["kill"] },
  json: retryBody,
  answers: { 200: { description: "Due now, durably; the verdicts follow", schema: retryAnswer } },
  async handle(call, caller) {
    const body = await readJson(call.request, retryBody);
    if (!body.ok) return body;
    const after = pageStart(body.value.after);
    if (after === undefined) return err(invalidCursor);
    const scope = retryScopeOf(body.value.scope);
    if (scope === undefined) return err({ code: "not_found" });
    const answer = await broker.retryStuck(caller, { scope, after });
    if (!answer.ok) return answer;
    const { retried, next } = answer.value;
    return ok({ status: 200, json: { retried, next: next ?? undefined } });
  },
});

const pageStart = (text: string | undefined) => (text === undefined ? null : parseLeaseId(text));

/** Undefined for an id that cannot exist. Of a target only a name that the ledger lists gets past the use case. */
function retryScopeOf(body: RetryScopeBody): RetryScope | undefined {
  if (body.kind === "target") return { kind: "target", name: brand<TargetName>(body.name) };
  if (body.kind === "all") return { kind: "all" };
  const id = parseLeaseId(body.id);
  return id && { kind: "lease", id };
}
