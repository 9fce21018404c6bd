/**
 * Parses `POST /token` (RFC 8693 §2.1) into an IssueRequest, or tells the one mistake with its exact error. Decides
 * nothing; whatever passes here is still only what the caller says.
 */
import type { IssueRequest } from "../broker/issue/request.ts";
import { parseName, type TemplateName } from "../domain/names.ts";
import type { JsonObject } from "../kernel/canonical-json.ts";
import { parseLeaseId, parseTaskId, type LeaseId, type TaskId } from "../kernel/ids.ts";
import { maxContextBytes, maxIdempotencyKeyLength } from "../kernel/limits.ts";
import { Redacted } from "../kernel/redacted.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";
import { seconds } from "../kernel/time.ts";
import { sendsProof } from "./authenticate.ts";
import type { Call } from "./endpoint.ts";
import type { Form } from "./form.ts";
import { invalidMember, malformed, type HttpFault } from "./request-fault.ts";
import { explainIssue } from "./schemas/explain-issue.ts";
import { authorizationDetails, tokenForm } from "./schemas/token.ts";

const clientSecrets = ["client_secret", "client_assertion", "client_assertion_type"];
const actorParameters = ["actor_token", "actor_token_type"];
/** Printable, without space or comma: two headers that a server joined are no key. */
const idempotencyKey = /^[\x21-\x2b\x2d-\x7e]+$/;

export function parseTokenRequest(call: Call, form: Form): Result<IssueRequest, HttpFault> {
  const refused = refuseAuthentication(call, form) ?? refuseActor(form);
  if (refused !== undefined) return err(refused);
  const parsed = tokenForm.safeParse(form);
  if (!parsed.success) return err(formFault(form, explainIssue(parsed.error, form, tokenForm)));
  const { data } = parsed;
  const template = parseName<TemplateName>(data.scope);
  if (template === undefined) return err(unknownTemplate);
  const parameters = parseDetails(data.authorization_details, template);
  if (!parameters.ok) return parameters;
  const ids = parseIds(data);
  if (!ids.ok) return ids;
  const key = call.request.header("Idempotency-Key");
  if (key !== undefined && (key.length > maxIdempotencyKeyLength || !idempotencyKey.test(key))) {
    const text = `must be 1 to ${maxIdempotencyKeyLength} printable ASCII characters without space or comma`;
    return err(invalidMember("Idempotency-Key", "wrong_form", text));
  }
  return ok({
    requestId: call.requestId,
    attestation: new Redacted(data.subject_token, "attestation"),
    template,
    ...ids.value,
    parameters: parameters.value,
    requestedTtlSeconds: data.requested_ttl === undefined ? null : seconds(Number(data.requested_ttl)),
    idempotencyKey: key ?? null,
    clientId: data.client_id ?? null,
    audience: data.audience ?? null,
    resource: data.resource ?? null,
    requestedTokenType: data.requested_token_type ?? null,
  });
}

/** Credentials of another kind are refused and not ignored: their sender believes that they count. */
function refuseAuthentication(call: Call, form: Form): HttpFault | undefined {
  const authorization = call.request.header("Authorization");
  if (sendsProof(call, authorization)) return { code: "dpop_not_supported" };
  if (authorization !== undefined) {
    return { code: "client_authentication", scheme: /^Bearer /i.test(authorization) ? "Bearer" : "Basic" };
  }
  return clientSecrets.some((name) => Object.hasOwn(form, name))
    ? { code: "client_authentication", scheme: null }
    : undefined;
}

function refuseActor(form: Form): HttpFault | undefined {
  const sent = actorParameters.find((name) => Object.hasOwn(form, name));
  return sent === undefined
    ? undefined
    : invalidMember(sent, "not_allowed", "is not accepted: the attestation alone says who acts");
}

const unknownTemplate: HttpFault = {
  code: "invalid_scope",
  why: "unknown_template",
  detail: "not the name of a template",
};
const twoTemplates: HttpFault = {
  code: "invalid_scope",
  why: "one_template_only",
  detail: "scope holds several values",
};

/** RFC 6749 §5.2 has errors of its own for some parameters. */
function formFault(form: Form, fault: HttpFault): HttpFault {
  if (fault.code !== "invalid_member" || fault.why === "missing") return fault;
  if (fault.member === "grant_type") return { code: "unsupported_grant_type" };
  if (fault.member === "scope") return /\s/.test(form["scope"] ?? "") ? twoTemplates : unknownTemplate;
  return fault;
}

/** RFC 9396 §2: one `mayfly_template` whose template is the scope. */
function parseDetails(text: string | undefined, template: TemplateName): Result<JsonObject, HttpFault> {
  if (text === undefined) return ok({});
  const refused = (why: string): Result<never, HttpFault> =>
    err({ code: "invalid_details", why, detail: "authorization_details are not as documented" });
  if (text.length > maxContextBytes) return refused("too_large");
  const json = parseStrictJson(text);
  if (!json.ok) return refused("not_json");
  const parsed = authorizationDetails.safeParse(json.value);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path ?? [];
    return refused(path[1] === "type" ? "unknown_type" : path.length === 0 ? "one_object_only" : "malformed");
  }
  const [detail] = parsed.data;
  if (detail === undefined) return refused("one_object_only");
  if (detail.template !== template) return err(malformed("scope and authorization_details name different templates"));
  return ok(detail.parameters ?? {});
}

/** An id that cannot exist is answered like one that does not. */
function parseIds(data: {
  task_id?: string | undefined;
  replaces?: string | undefined;
}): Result<{ taskId: TaskId | null; replaces: LeaseId | null }, HttpFault> {
  const taskId = data.task_id === undefined ? null : parseTaskId(data.task_id);
  const replaces = data.replaces === undefined ? null : parseLeaseId(data.replaces);
  return taskId === undefined || replaces === undefined ? err({ code: "not_found" }) : ok({ taskId, replaces });
}
