/**
 * Outbound HTTP on Node: one pool of kept-alive connections per instance. Issuing and revoking each get their own
 * instance, so that neither can take the other's connections. Secrets are opened here, at the socket, and nowhere
 * before. Follows no redirect, decodes no compression, retries nothing.
 */
import { Agent, type Dispatcher } from "undici";
import { err } from "../kernel/result.ts";
import type { HttpClient, HttpRequest } from "../ports/http-client.ts";
import { exchange } from "./http-exchange.ts";
import { parseOutboundUrl } from "./outbound-url.ts";

export interface NodeHttpClient extends HttpClient {
  /** Waits for the requests under way; new ones are refused. */
  close(): Promise<void>;
}

export interface NodeHttpClientOptions {
  /** Development only: plain `http:` to this host itself. */
  readonly allowInsecureLoopback: boolean;
  /** Requests above it wait for a free connection, inside their own timeout. */
  readonly maxConnectionsPerOrigin: number;
}

export function createNodeHttpClient(options: NodeHttpClientOptions): NodeHttpClient {
  const agent = new Agent({
    connections: options.maxConnectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    // Said here, it beats NODE_TLS_REJECT_UNAUTHORIZED, which would let anybody be the server that secrets go to.
    connect: { rejectUnauthorized: true },
    maxHeaderSize: 16 * 1024,
    // The one total timeout of each request rules; these would only end it under another name.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;
  return {
    send: async (request) => {
      const url = parseOutboundUrl(request.url, options);
      if (url === undefined) return err({ reason: "refused_url", maybeSent: false });
      if (isClosed) return err({ reason: "not_sent", maybeSent: false });
      const answer = exchange(agent, dispatchOptions(url, request), request);
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
      // Not `agent.close()`: it would also wait for connections that no request wants any more.
      await agent.destroy();
    },
  };
}

function dispatchOptions(url: URL, request: HttpRequest): Dispatcher.DispatchOptions {
  const headers: Record<string, string> = { ...request.headers };
  for (const [name, secret] of Object.entries(request.secretHeaders ?? {})) headers[name] = secret.reveal();
  const { body = null } = request;
  return {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers,
    body: body === null || typeof body === "string" ? body : body.reveal(),
  };
}
