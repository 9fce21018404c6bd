/**
 * A loopback HTTP proxy in front of a real server. Passes everything on, until a test asks it to break the next
 * requests of a path: before the server sees them, or after it acted. Remembers what passed.
 */
import { createServer, request as sendRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { listenOnLoopback } from "./loopback-server.ts";

export type Break =
  /** Never answers and passes nothing on; ends when the client gives up. */
  | { readonly kind: "hang" }
  /** Closes the connection; the server never saw the request. */
  | { readonly kind: "reset_before" }
  /** The server acted, its answer is lost. */
  | { readonly kind: "reset_after" }
  /** An answer in the server's place. With `acted` the server saw the request first, and its own answer is dropped. */
  | {
      readonly kind: "answer";
      readonly acted?: true;
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body: string;
    };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface FaultProxy {
  readonly url: string;
  /** Every request so far, broken or not. */
  readonly seen: readonly SeenRequest[];
  /** What the server answered so far, whether or not anybody heard it. */
  readonly answered: readonly { readonly path: string; readonly status: number }[];
  /** The server behind; may be named after the proxy runs, when the server must know the proxy's address. */
  forwardTo(url: string): void;
  /** Breaks every request of this path until `heal`. */
  breakPath(path: string, fault: Break): void;
  heal(): void;
  /** Keeps the next requests of this path back, unbroken, until the answer of this is called. */
  hold(path: string): () => void;
  /** The next request of this path, when it has arrived here. */
  arrival(path: string): Promise<SeenRequest>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** `nameOf` tells requests apart that share a path: what it answers is their `path` everywhere here. */
export async function startFaultProxy(
  nameOf: (request: { path: string; body: string }) => string = ({ path }) => path,
): Promise<FaultProxy> {
  const seen: SeenRequest[] = [];
  const answered: { path: string; status: number }[] = [];
  const breaks = new Map<string, Break>();
  const held = new Map<string, Promise<void>>();
  const waiting: { path: string; resolve: (request: SeenRequest) => void }[] = [];
  let target: string | undefined;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const text = body.toString("utf8");
    const path = nameOf({ path: request.url ?? "", body: text });
    const arrived = { method: request.method ?? "", path, headers: request.headers, body: text };
    seen.push(arrived);
    const fault = breaks.get(path);
    for (const waiter of waiting.splice(0)) {
      if (waiter.path === path) waiter.resolve(arrived);
      else waiting.push(waiter);
    }
    await held.get(path);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "reset_before") return void response.destroy();
    const acts = fault === undefined || fault.kind === "reset_after" || fault.acted === true;
    const answer = acts ? await forward(target, request, body) : undefined;
    if (answer !== undefined) answered.push({ path, status: answer.status });
    if (fault?.kind === "reset_after") return void response.destroy();
    if (fault !== undefined) return void response.writeHead(fault.status, fault.headers ?? {}).end(fault.body);
    response.writeHead(answer?.status ?? 502, answer?.headers ?? {}).end(answer?.body);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const listening = await listenOnLoopback(server);
  return {
    url: listening.url,
    seen,
    answered,
    forwardTo: (url) => {
      target = url;
    },
    breakPath: (path, fault) => void breaks.set(path, fault),
    heal: () => breaks.clear(),
    hold(path) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(path, promise);
      return () => {
        held.delete(path);
        resolve();
      };
    },
    arrival(path) {
      const { promise, resolve } = Promise.withResolvers<SeenRequest>();
      waiting.push({ path, resolve });
      return promise;
    },
    close: () => listening.close(),
  };
}

/** One request of its own connection. The Host header stays the proxy's: the server names its endpoints by it. */
function forward(target: string | undefined, request: IncomingMessage, body: Buffer): Promise<Answer> {
  if (target === undefined) throw new Error("the proxy has nothing behind it yet");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { method, headers, url = "/" } = request;
  const outgoing = sendRequest(new URL(url, target), { method, headers, agent: false }, (incoming) => {
    buffer(incoming)
      .then((answer) => resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body: answer }))
      .catch(reject);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}
