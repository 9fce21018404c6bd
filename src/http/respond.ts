/** Turns answers and faults into responses. The only place that writes headers; nothing here may be cached. */
import type { RequestId } from "../kernel/ids.ts";
import type { HttpFault } from "./request-fault.ts";
import { wireFault } from "./wire-faults.ts";
import type { WireFault } from "./wire-texts.ts";

/** What an endpoint answers when it succeeds. */
export interface Answer {
  readonly status: number;
  readonly json?: object;
  readonly text?: { readonly type: string; readonly value: string };
  /** JSON values, a line each, sent as they are told; the answer ends when this resolves. */
  readonly lines?: (tell: (line: object) => void) => Promise<void>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * How an endpoint tells its faults: `token` as RFC 6749 §5.2 (400 for whatever is refused), `bearer` with the same
 * members but the statuses of RFC 6750 §3.1, `problem` as RFC 9457.
 */
export type FaultShape = "token" | "bearer" | "problem";

/** Plain objects and not Headers: servers write them as they are, which is the fast way. */
function baseHeaders(requestId: RequestId): Record<string, string> {
  return {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Request-Id": requestId,
  };
}

/** What `lines` are sent as: JSON values, each ended by a line feed. */
export const lineType = "application/x-ndjson";

/** `failed` hears of lines that ended with a throw. */
export function respond(answer: Answer, requestId: RequestId, failed: (error: unknown) => void = () => {}): Response {
  const headers = { ...baseHeaders(requestId), ...answer.headers };
  const { status, json, text, lines } = answer;
  if (lines !== undefined) {
    headers["Content-Type"] = lineType;
    return new Response(lineStream(lines, failed), { status, headers });
  }
  if (json !== undefined) {
    headers["Content-Type"] ??= "application/json";
    return new Response(JSON.stringify(json), { status, headers });
  }
  if (text === undefined) return new Response(null, { status, headers });
  headers["Content-Type"] = text.type;
  return new Response(text.value, { status, headers });
}

/** Whoever goes away ends nothing, only the telling. A throw cuts the connection: half an answer is never a whole one. */
function lineStream(lines: NonNullable<Answer["lines"]>, failed: (error: unknown) => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isRead = true;
  return new ReadableStream({
    start(controller) {
      const tell = (line: object): void => {
        if (isRead) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      const finished = (): void => {
        if (isRead) controller.close();
      };
      void lines(tell).then(finished, (error: unknown) => {
        failed(error);
        if (isRead) controller.error(new Error("the answer broke off"));
      });
    },
    cancel() {
      isRead = false;
    },
  });
}

export function refuse(fault: HttpFault, shape: FaultShape, requestId: RequestId): Response {
  const wire = wireFault(fault);
  const status = statusOf(wire, shape);
  const { reason, members } = wire;
  const common = { reason, ...members, request_id: requestId };
  const { "WWW-Authenticate": challenge, ...otherHeaders } = wire.headers ?? {};
  const headers: Record<string, string> = { ...baseHeaders(requestId), ...otherHeaders };
  if (challenge !== undefined && status === 401) headers["WWW-Authenticate"] = challenge;
  if (shape === "problem") {
    headers["Content-Type"] = "application/problem+json";
    const { title, text } = wire;
    const type = `https://mayfly.dev/problems/${wire.problem}`;
    return new Response(JSON.stringify({ type, title, status, detail: printable(text), ...common }), {
      status,
      headers,
    });
  }
  headers["Content-Type"] = "application/json";
  const error = shape === "bearer" && status === 401 ? "invalid_token" : wire.error;
  return new Response(JSON.stringify({ error, error_description: printable(wire.text), ...common }), {
    status,
    headers,
  });
}

export function statusOf(wire: WireFault, shape: FaultShape): number {
  const isRefusal = wire.status === 403 || wire.status === 404 || wire.status === 409;
  const isAttestation = wire.status === 401 && wire.error !== "invalid_client";
  return shape === "token" && (isRefusal || isAttestation) ? 400 : wire.status;
}

/** RFC 6749 §5.2 allows neither quotation marks nor backslashes, and a name that a caller sent may hold anything. */
const printable = (text: string): string => text.replaceAll('"', "'").replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, "?");
