/**
 * Outbound HTTP, the only way out. Implementations keep connections alive, follow no redirect, cap the body and
 * honour the timeout; plain `http:` is refused unless the host is loopback and development allows it.
 */
import type { Redacted } from "../kernel/redacted.ts";
import type { Result } from "../kernel/result.ts";
import type { Millis } from "../kernel/time.ts";

export interface HttpClient {
  send(request: HttpRequest): Promise<Result<HttpAnswer, HttpFault>>;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Credentials for headers stay redacted until the socket. */
  readonly secretHeaders?: Readonly<Record<string, Redacted>>;
  readonly body?: string | Redacted;
  readonly timeout: Millis;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names; the first value of each, or where a runtime does not tell them apart all of them with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpFault {
  readonly reason: "refused_url" | "not_sent" | "timeout" | "aborted" | "reset" | "too_large";
  /** False only where the request certainly did not reach the server. */
  readonly maybeSent: boolean;
}
