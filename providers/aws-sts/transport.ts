/**
 * Carries the SDK's requests over the broker's own HTTP client, with its bounds and its connections apart for issuing
 * and killing. A refusal leaves here as data before the SDK reads it; the SDK retries nothing.
 */
import { Redacted } from "../../src/kernel/redacted.ts";
import type { EpochMillis, Millis } from "../../src/kernel/time.ts";
import type { HttpClient } from "../../src/ports/http-client.ts";
import { parseRetryAfter } from "../shared/retry-after.ts";
import { codeIn, type AwsFault } from "./aws-fault.ts";

/** The only way through the SDK for a fault that is known here. */
export class AwsFaultError extends Error {
  readonly fault: AwsFault;
  constructor(fault: AwsFault) {
    super("aws call failed");
    this.fault = fault;
  }
}

/** What of the SDK's request and answer matters here. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}
interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

export interface Transport {
  handle(request: SdkRequest, options?: { readonly abortSignal?: unknown }): Promise<{ response: SdkResponse }>;
}

/** A deny policy and its wrapping; above this something else answered. */
const maxBytes = 256 * 1024;
/** Set again by the HTTP client itself. */
const hopHeaders = new Set(["host", "content-length"]);
const secretHeaders = new Set(["authorization", "x-amz-security-token"]);

export function createTransport(tools: { http: HttpClient; now: () => EpochMillis }, timeout: Millis): Transport {
  return {
    async handle(request, { abortSignal } = {}) {
      const headers = Object.entries(request.headers).filter(([name]) => !hopHeaders.has(name.toLowerCase()));
      const isSecret = ([name]: readonly [string, string]): boolean => secretHeaders.has(name.toLowerCase());
      const answer = await tools.http.send({
        method: "POST",
        url: urlOf(request),
        headers: Object.fromEntries(headers.filter((header) => !isSecret(header))),
        secretHeaders: Object.fromEntries(
          headers.filter(isSecret).map(([name, value]) => [name, new Redacted(value, "signature")]),
        ),
        body: new Redacted(typeof request.body === "string" ? request.body : "", "form"),
        timeout,
        maxBytes,
        ...(abortSignal instanceof AbortSignal ? { signal: abortSignal } : {}),
      });
      if (!answer.ok) throw new AwsFaultError({ kind: "transport", ...answer.fault });
      const { status, body } = answer.value;
      if (status !== 200) {
        const after = parseRetryAfter(answer.value.headers["retry-after"], tools.now());
        throw new AwsFaultError({ kind: "answered", status, code: codeIn(body), after });
      }
      const response = {
        statusCode: status,
        headers: { ...answer.value.headers },
        body: new TextEncoder().encode(body),
      };
      return { response };
    },
  };
}

function urlOf({ protocol, hostname, port, path }: SdkRequest): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
}
