/**
 * Outbound HTTP over `fetch`, with the contract of the client on Node but for two things that `fetch` does not tell: how
 * far a request came before it failed (so all that was begun may have been sent), and where one repeated header ends
 * (so its values arrive as one, joined). Secrets are opened here and nowhere before. Follows no redirect, asks for no
 * compression, uses no cache, retries nothing.
 */
import { err, ok, type Result } from "../../kernel/result.ts";
import type { HttpAnswer, HttpClient, HttpFault, HttpRequest } from "../../ports/http-client.ts";
import { parseOutboundUrl } from "../outbound-url.ts";
import { createSlots, nested, type Slots } from "./slots.ts";

export interface WebHttpClient extends HttpClient {
  /** Waits for the requests under way; new ones are refused. */
  close(): Promise<void>;
}

export interface WebHttpClientOptions {
  /** Development only: plain `http:` to this host itself. */
  readonly allowInsecureLoopback: boolean;
  /** Requests above it wait for an earlier one's end, inside their own timeout. */
  readonly maxConnections: number;
  /** Fewer, so that a system that hangs leaves some to the others. Left out: as many. */
  readonly maxConnectionsPerOrigin?: number;
}

type Answer = Result<HttpAnswer, HttpFault>;

export function createWebHttpClient(options: WebHttpClientOptions): WebHttpClient {
  const slots = createSlots(options.maxConnections);
  const slotsOf = new Map<string, Slots>();
  const slotsTo = ({ origin }: URL): Slots => {
    const known = slotsOf.get(origin) ?? createSlots(options.maxConnectionsPerOrigin ?? options.maxConnections);
    slotsOf.set(origin, known);
    return nested(known, slots);
  };
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    send: async (request) => {
      const url = parseOutboundUrl(request.url, options);
      if (url === undefined) return err({ reason: "refused_url", maybeSent: false });
      if (isClosed) return notSent;
      if (request.signal?.aborted === true) return err({ reason: "aborted", maybeSent: false });
      const message = writeRequest(url, request);
      if (message === undefined) return notSent;
      const answer = exchange(message, request, slotsTo(url));
      underWay.add(answer);
      try {
        return await answer;
      } finally {
        underWay.delete(answer);
      }
    },
    close: async () => {
      isClosed = true;
      await Promise.all(underWay);
    },
  };
}

const notSent: Answer = err({ reason: "not_sent", maybeSent: false });

/** Undefined where it would be no well-formed HTTP. */
function writeRequest(url: URL, request: HttpRequest): Request | undefined {
  const headers: Record<string, string> = { "accept-encoding": "identity", ...request.headers };
  for (const [name, secret] of Object.entries(request.secretHeaders ?? {})) headers[name] = secret.reveal();
  const { body, method } = request;
  const text = typeof body === "object" ? body.reveal() : body;
  try {
    // As bytes: a text would be given a content type.
    const bytes = text === undefined ? null : new TextEncoder().encode(text);
    return new Request(url, { method, headers, body: bytes, redirect: "manual", cache: "no-store" });
  } catch {
    return undefined;
  }
}

/** One request and its answer. Settles once, at the latest when its time is over; the texts of errors never leave. */
function exchange(message: Request, { timeout, maxBytes, signal }: HttpRequest, slots: Slots): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const controller = new AbortController();
  let isBegun = false;
  let isSettled = false;
  const settle = (answer: Answer): void => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    resolve(answer);
    // Whatever is left of the answer is not waited for.
    controller.abort();
    leave();
  };
  const fail = (reason: HttpFault["reason"]): void => settle(err({ reason, maybeSent: isBegun }));
  const onAbort = (): void => fail("aborted");
  const timer = setTimeout(fail, timeout, "timeout");
  signal?.addEventListener("abort", onAbort, { once: true });
  const converse = async (): Promise<void> => {
    const response = await fetch(message, { signal: controller.signal });
    const body = await readBody(response, maxBytes);
    if (body === undefined) fail("too_large");
    else settle(ok({ status: response.status, headers: headersOf(response), body }));
  };
  const leave = slots(() => {
    isBegun = true;
    converse().catch(() => fail("reset"));
  });
  return promise;
}

/** Undefined where the body is announced, or becomes, larger than was asked for. */
async function readBody({ headers, body }: Response, maxBytes: number): Promise<string | undefined> {
  if (Number(headers.get("content-length") ?? 0) > maxBytes) return undefined;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let receivedBytes = 0;
  let text = "";
  for await (const chunk of body ?? []) {
    receivedBytes += chunk.byteLength;
    if (receivedBytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Cookies alone come one by one; their first counts. */
function headersOf({ headers }: Response): HttpAnswer["headers"] {
  const first: Record<string, string> = {};
  headers.forEach((value, name) => {
    first[name] ??= value;
  });
  return first;
}
