/**
 * One form POST to an endpoint of the authorization server. The body and the answer may hold secrets: neither leaves
 * this folder except as `Redacted`, and of an error only its code from the closed list does.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import type { EpochMillis, Millis } from "../../src/kernel/time.ts";
import type { HttpClient, HttpFault } from "../../src/ports/http-client.ts";
import { parseRetryAfter } from "../shared/retry-after.ts";
import type { ClientAuth } from "./client-auth.ts";
import type { Discovery } from "./discovery.ts";
import type { Endpoints } from "./endpoints.ts";
import { errorCodeOf, type ErrorCode } from "./error-code.ts";
import { jsonObjectOf } from "../shared/json-object.ts";
import type { OAuthOptions } from "./options.ts";

/** What the verbs of this provider work with. */
export interface Client {
  readonly options: OAuthOptions;
  readonly discovery: Discovery;
  readonly authenticate: ClientAuth;
  readonly http: HttpClient;
  readonly now: () => EpochMillis;
}

export type CallAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly body: Readonly<Record<string, unknown>> | null;
      readonly error: ErrorCode | null;
      readonly retryAfter: Millis | undefined;
    }
  | { readonly kind: "failed"; readonly fault: HttpFault };

export interface Call {
  readonly url: string;
  readonly endpoints: Endpoints;
  readonly fields: Readonly<Record<string, string | Redacted>>;
  readonly timeout: Millis;
  readonly signal: AbortSignal;
}

/** Token and introspection answers are small; above this, something else answered. */
const maxBytes = 64 * 1024;

export async function call(client: Client, { url, endpoints, fields, timeout, signal }: Call): Promise<CallAnswer> {
  const authentication = await client.authenticate({ endpoints, url });
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...fields, ...authentication.fields }))
    form.append(name, typeof value === "string" ? value : value.reveal());
  const answer = await client.http.send({
    method: "POST",
    url,
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
    secretHeaders: authentication.secretHeaders,
    body: new Redacted(form.toString(), "form"),
    timeout,
    maxBytes,
    signal,
  });
  if (!answer.ok) return { kind: "failed", fault: answer.fault };
  const { status, headers, body: text } = answer.value;
  const body = jsonObjectOf(text);
  return {
    kind: "answered",
    status,
    body,
    error: errorCodeOf(body),
    retryAfter: parseRetryAfter(headers["retry-after"], client.now()),
  };
}
