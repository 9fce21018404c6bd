/**
 * What the wire says of each fault: status, codes and public text. Generic and stable: what happened, what was left
 * unchanged, what to do next. Only characters of RFC 6749 §5.2 `error_description`: no quotation mark, no backslash.
 */
import type { UnavailableReason } from "../broker/fault.ts";
import type { GateReason } from "../domain/gate.ts";
import { maxContextBytes } from "../kernel/limits.ts";
import { detailsType } from "./token-uris.ts";

export interface WireFault {
  /** RFC 9110 status, of problem details and of endpoints that take a bearer token. */
  readonly status: number;
  /** RFC 6749 §5.2 `error`, with its RFC 8693, 9396 and 6750 extensions. */
  readonly error: OAuthError;
  /** Last segment of the problem `type` URI. */
  readonly problem: string;
  readonly title: string;
  readonly text: string;
  /** Public, from a closed set: what a program branches on. */
  readonly reason?: string;
  readonly members?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export type OAuthError =
  | "invalid_request"
  | "invalid_client"
  | "unsupported_grant_type"
  | "invalid_scope"
  | "invalid_target"
  | "invalid_authorization_details"
  | "access_denied"
  | "temporarily_unavailable"
  | "server_error";

export const unchangedFixIt = "Nothing was changed; correct the request and send it again.";
export const retryAfter = (seconds: number) => ({ "Retry-After": String(Math.max(1, Math.ceil(seconds))) });
/** RFC 9110 §11.6.1; RFC 6750 §3 names the error only where a token was sent. */
export const challenge = (scheme: string, error = "") => ({ "WWW-Authenticate": `${scheme} realm="mayfly"${error}` });

/** For a request that is the caller's own mistake. */
const invalid = (problem: string, title: string) => ({
  status: 400,
  error: "invalid_request" as const,
  problem,
  title,
});

export const malformed = invalid("malformed-request", "The request is malformed");

export const unauthenticated: WireFault = {
  status: 401,
  error: "invalid_request",
  problem: "unauthenticated",
  title: "An attestation is needed",
  text: "The request carries no attestation. Nothing was changed; send it as a Bearer token in the Authorization header.",
  headers: challenge("Bearer"),
};

export const attestationRefused: WireFault = {
  status: 401,
  error: "invalid_request",
  problem: "attestation-refused",
  title: "The attestation was not accepted",
  text: "The attestation was not accepted. Nothing was changed; present a fresh one from a trusted issuer, made for this broker and for a registered agent.",
  headers: challenge("Bearer", ', error="invalid_token"'),
};

export const clientAuthentication: WireFault = {
  status: 400,
  error: "invalid_client",
  problem: "client-authentication",
  title: "Clients have no secrets here",
  text: "The request authenticates a client with a secret, which no client has here. Nothing was changed; leave it out, the attestation alone says who is asking.",
};

export const foreignClient: WireFault = {
  status: 400,
  error: "invalid_client",
  problem: "foreign-client",
  title: "client_id names someone else",
  text: "client_id is not the name of the agent that the attestation proves. Nothing was changed; leave client_id out or correct it.",
};

export const dpopNotSupported: WireFault = {
  ...invalid("dpop-not-supported", "Key-bound requests are not supported"),
  text: "The request carries a DPoP proof, which this broker cannot honour. Nothing was changed; send the request without it to get an unbound credential.",
  reason: "dpop_not_supported",
};

export const unsupportedGrantType: WireFault = {
  status: 400,
  error: "unsupported_grant_type",
  problem: "unsupported-grant-type",
  title: "Only token exchange is supported",
  text: "The grant type is not supported. Nothing was changed; use urn:ietf:params:oauth:grant-type:token-exchange.",
};

export const invalidScope: WireFault = {
  status: 400,
  error: "invalid_scope",
  problem: "invalid-scope",
  title: "The scope is no template",
  text: "The scope does not name exactly one template that exists. Nothing was changed; put the name of one template there.",
};

export const invalidTarget: WireFault = {
  status: 400,
  error: "invalid_target",
  problem: "invalid-target",
  title: "The template is for another target",
  text: "audience or resource is not where credentials of this template are good. Nothing was changed; leave it out or choose another template.",
};

export const invalidDetails = (reason: string): WireFault => ({
  status: 400,
  error: "invalid_authorization_details",
  problem: "invalid-authorization-details",
  title: "The authorization details were not accepted",
  text: `${detailsText[reason] ?? "The parameters are not what the template takes"}. ${unchangedFixIt}`,
  reason,
});

const detailsText: Readonly<Record<string, string>> = {
  too_large: `authorization_details may have at most ${maxContextBytes} characters`,
  not_json: "authorization_details must be JSON, with no member twice and without deep nesting",
  one_object_only: "authorization_details must be a list of exactly one object",
  unknown_type: `The object in authorization_details must have type ${detailsType}`,
  malformed:
    "The object in authorization_details takes type, template and parameters; parameters hold whole numbers, text, true and false",
  parameters: "A parameter is not known to the template, is missing, or has a value that the template does not take",
  parameters_differ_from_task: "The task fixes a parameter to another value",
  scope: "The provider does not take the scope that these parameters make",
};

export const denied: WireFault = {
  status: 403,
  error: "access_denied",
  problem: "denied",
  title: "Policy does not allow it",
  text: "Policy does not allow this. Nothing was delivered or changed; whoever runs this broker finds the rule under the request_id.",
};

/** Unknown and foreign alike, and a path that does not exist too: nothing tells one from another. */
export const notFound: WireFault = {
  status: 404,
  error: "invalid_request",
  problem: "not-found",
  title: "Not found",
  text: "What the request names does not exist here, or is not yours. Nothing was changed; check the path and the ids.",
  reason: "not_found",
};

/** A sweep may turn a deadline into an end at any moment; `reason` is the same before and after, `gate` is finer. */
export function taskClosed(gate: GateReason): WireFault {
  const isDoor = gate === "door_closed";
  return {
    status: 409,
    error: "access_denied",
    problem: isDoor ? "door-closed" : "task-ended",
    title: isDoor ? "Issuing is closed" : "The task has ended",
    text: isDoor
      ? "An operator has closed issuing for this. Nothing was delivered; ask whoever runs this broker."
      : "The task has ended and never opens again. Nothing was delivered; open a new task.",
    reason: isDoor ? "door_closed" : "task_ended",
    members: { gate },
  };
}

export const limitReached: WireFault = {
  status: 429,
  error: "temporarily_unavailable",
  problem: "limit-reached",
  title: "A limit is reached",
  text: "A limit on credentials or on open tasks is reached; the member limit names it. Nothing was delivered or opened; end what is no longer needed, or ask again later.",
  reason: "limit_reached",
};

export const replayed: WireFault = {
  status: 400,
  error: "invalid_request",
  problem: "replayed",
  title: "The attestation was used before",
  text: "This attestation was used before, and its issuer allows a single use. Nothing was changed; present a fresh one.",
  reason: "replayed",
};

export const keyReused: WireFault = {
  status: 409,
  error: "invalid_request",
  problem: "idempotency-key-reused",
  title: "The Idempotency-Key belongs to another request",
  text: "The Idempotency-Key was used with another request. Nothing was changed; choose a new key for a new request.",
  reason: "key_reused",
};

export const alreadyDelivered: WireFault = {
  status: 409,
  error: "invalid_request",
  problem: "already-delivered",
  title: "The credential was delivered before",
  text: "This request was answered before and the credential is not kept. It is being revoked now; ask again with a new Idempotency-Key.",
  reason: "already_delivered",
};

export function unavailable(why: UnavailableReason, seconds: number): WireFault {
  return {
    status: 503,
    error: "temporarily_unavailable",
    problem: "unavailable",
    title: "Not available now",
    text: unavailableText[why],
    reason: why,
    headers: retryAfter(seconds),
  };
}

const unavailableText: Readonly<Record<UnavailableReason, string>> = {
  store:
    "The ledger did not answer, or did not confirm the change. Nothing was delivered and nothing is lost; send the same request again.",
  suspended: "Issuing is suspended. Nothing was delivered; ending and killing still work. Ask again later.",
  kill_path_broken: "The system behind this template cannot revoke now, so nothing new is made there. Ask again later.",
  provider:
    "The system behind this template made no credential. Nothing was delivered; ask again later (operators find the reason in the audit, by this request's id).",
  mint_outcome_unknown:
    "The system behind this template did not answer clearly. Whatever it made is being revoked; ask again.",
  over_before_answer: "The credential's time was over before it could be answered. It is being revoked; ask again.",
  request_in_flight: "The same request is being answered already. Nothing more was changed; ask again shortly.",
  keys_unavailable: "The keys of the attestation's issuer cannot be fetched. Nothing was changed; ask again shortly.",
  policy: "No policy is loaded that could decide. Nothing was changed; ask again later.",
};

export const wrongMediaType = {
  status: 415,
  error: "invalid_request" as const,
  problem: "unsupported-media-type",
  title: "The body has another media type",
};

export const tooLarge = {
  status: 413,
  error: "invalid_request" as const,
  problem: "too-large",
  title: "The body is too large",
};

export const clientGone: WireFault = {
  status: 503,
  error: "temporarily_unavailable",
  problem: "client-gone",
  title: "The client was gone",
  text: "The connection closed before the answer was written. The credential is being revoked; ask again.",
  reason: "client_gone",
  headers: retryAfter(1),
};

export const methodNotAllowed: WireFault = {
  status: 405,
  error: "invalid_request",
  problem: "method-not-allowed",
  title: "The method is not allowed here",
  text: "This path does not take this method. Nothing was changed; the Allow header names what it takes.",
};

export const internal: WireFault = {
  status: 500,
  error: "server_error",
  problem: "internal",
  title: "A fault in the broker",
  text: "The broker failed. Whatever may have been made is revoked when its time ends, or by ending the task; report the request_id.",
};
