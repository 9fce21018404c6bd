/** Servers of a test of outbound HTTP, and short words for what its requests ask and answer. */
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, expect } from "vitest";
import { millis } from "../../src/kernel/time.ts";
import type { HttpClient, HttpRequest } from "../../src/ports/http-client.ts";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";

export interface ClosableClient extends HttpClient {
  close(): Promise<void>;
}

/** Whatever it starts ends with the test. */
export function createHttpBench() {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });
  const noted = async (server: Promise<LoopbackServer>): Promise<LoopbackServer> => {
    const { close } = await server;
    cleanups.push(close);
    return server;
  };
  return {
    serve: (listener: RequestListener) => noted(listenOnLoopback(createHttpServer(listener))),
    serveTcp: (onConnection: (socket: Socket) => void) => noted(listenOnLoopback(createTcpServer(onConnection))),
    closing: <T extends Pick<ClosableClient, "close">>(client: T): T => {
      cleanups.push(() => client.close());
      return client;
    },
  };
}

/** Long enough never to matter, or short where the row is about it. */
export const send = (http: HttpClient, url: string, more: Partial<HttpRequest> = {}) =>
  http.send({ method: "GET", url, headers: {}, timeout: millis(10_000), maxBytes: 1000, ...more });
export const soon = { timeout: millis(60) };
export const fault = (reason: string, maybeSent: boolean) => ({ ok: false, fault: { reason, maybeSent } });
export const body = (text: string) => ({ ok: true, value: expect.objectContaining({ status: 200, body: text }) });
