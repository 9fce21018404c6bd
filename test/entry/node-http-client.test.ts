/** The outbound client against real servers that answer, stall, drip, cut and lie. */
import { getEventListeners } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createNodeHttpClient, type NodeHttpClient } from "../../src/entry/node-http-client.ts";
import { Redacted } from "../../src/kernel/redacted.ts";
import { millis } from "../../src/kernel/time.ts";
import type { HttpRequest } from "../../src/ports/http-client.ts";
import { listenOnLoopback, type LoopbackServer } from "../support/loopback-server.ts";

const runningTimers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(listener: RequestListener): Promise<LoopbackServer> {
  const server = await listenOnLoopback(createHttpServer(listener));
  cleanups.push(() => server.close());
  return server;
}

async function serveTcp(onConnection: (socket: Socket) => void): Promise<LoopbackServer> {
  const server = await listenOnLoopback(createTcpServer(onConnection));
  cleanups.push(() => server.close());
  return server;
}

function client(options: Partial<Parameters<typeof createNodeHttpClient>[0]> = {}): NodeHttpClient {
  const made = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 2, ...options });
  cleanups.push(() => made.close());
  return made;
}

/** Long enough never to matter, or short where the row is about it. */
const send = (http: NodeHttpClient, url: string, more: Partial<HttpRequest> = {}) =>
  http.send({ method: "GET", url, headers: {}, timeout: millis(10_000), maxBytes: 1000, ...more });
const soon = { timeout: millis(60) };
const fault = (reason: string, maybeSent: boolean) => ({ ok: false, fault: { reason, maybeSent } });
const body = (text: string) => ({ ok: true, value: expect.objectContaining({ status: 200, body: text }) });

describe("http client: an exchange", () => {
  it("carries method, path, headers and body, opening secrets at the socket only", async () => {
    const seen: unknown[] = [];
    const { url } = await serve((request, response) => {
      request.setEncoding("utf8").on("data", (chunk: string) => {
        seen.push(request.method, request.url, request.headers["x-plain"], request.headers.authorization, chunk);
        response.writeHead(
          201,
          [
            ["X-Twice", "one"],
            ["X-Twice", "two"],
            ["Content-Type", "text/plain"],
          ].flat(),
        );
        response.end("made ✓");
      });
    });
    const request: HttpRequest = {
      method: "POST",
      url: `${url}/a/b?c=d`,
      headers: { "x-plain": "1" },
      secretHeaders: { authorization: new Redacted("Bearer canary-1", "token") },
      body: new Redacted("secret=canary-2", "body"),
      timeout: millis(10_000),
      maxBytes: 100,
    };
    const answer = await client().send(request);
    expect(answer).toEqual({
      ok: true,
      value: {
        status: 201,
        body: "made ✓",
        headers: expect.objectContaining({ "x-twice": "one", "content-type": "text/plain" }),
      },
    });
    expect(seen).toEqual(["POST", "/a/b?c=d", "1", "Bearer canary-1", "secret=canary-2"]);
    expect(inspect(request, { depth: 9 }) + JSON.stringify(request)).not.toContain("canary");
  });

  it("keeps connections alive, and opens no more than allowed", async () => {
    const sockets = new Set<Socket>();
    const { url } = await serve((request, response) => {
      sockets.add(request.socket);
      setImmediate(() => response.end("ok"));
    });
    const http = client();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(http, url)));
    expect(answers).toEqual(answers.map(() => body("ok")));
    expect(sockets.size).toBe(2);
  });

  it.each([301, 302, 303, 307, 308])("hands back a %i instead of following it", async (status) => {
    const followed: string[] = [];
    const target = await serve((request, response) => {
      followed.push(request.url ?? "");
      response.end();
    });
    const { url } = await serve((_, response) => response.writeHead(status, { location: target.url }).end());
    expect(await send(client(), url)).toMatchObject({ ok: true, value: { status } });
    expect(followed).toEqual([]);
  });

  it("waits through an interim answer", async () => {
    const { url } = await serve((_, response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.end("ok");
    });
    expect(await send(client(), url)).toEqual(body("ok"));
  });

  it("gives a failing status as an answer, not as a fault", async () => {
    const { url } = await serve((_, response) => response.writeHead(503).end("down"));
    expect(await send(client(), url)).toMatchObject({ ok: true, value: { status: 503, body: "down" } });
  });
});

describe("http client: the body cap", () => {
  /** Only the head: waiting for the body would end in a timeout. */
  const announced: RequestListener = (_, response) =>
    response.writeHead(200, { "content-length": 1001 }).flushHeaders();
  const streamed: RequestListener = (_, response) => {
    const more = (): void =>
      void (response.closed || (response.write("x".repeat(600)) ? setImmediate(more) : response.once("drain", more)));
    more();
  };

  it.each([
    ["announced", announced],
    ["streamed without end", streamed],
  ])("stops a body above it: %s", async (_, listener) => {
    const { url } = await serve(listener);
    expect(await send(client(), url)).toEqual(fault("too_large", true));
  });

  it("takes a body that is exactly as large", async () => {
    const { url } = await serve((_, response) => response.end("x".repeat(1000)));
    expect(await send(client(), url)).toEqual(body("x".repeat(1000)));
  });

  it("counts bytes, not letters", async () => {
    const { url } = await serve((_, response) => response.end("✓".repeat(334)));
    expect(await send(client(), url)).toEqual(fault("too_large", true));
  });

  it("stops headers that do not end", async () => {
    const { url } = await serveTcp((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      for (let line = 0; line < 2000; line += 1) socket.write(`x-${line}: ${"y".repeat(50)}\r\n`);
    });
    expect(await send(client(), url)).toEqual(fault("reset", true));
  });
});

describe("http client: time", () => {
  it("stops a server that never answers", async () => {
    const { url } = await serve(() => {});
    expect(await send(client(), url, soon)).toEqual(fault("timeout", true));
  });

  it("counts a slow drip of headers and body as one time", async () => {
    const { url } = await serve((_, response) => {
      response.write(" ");
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    });
    expect(await send(client(), url, soon)).toEqual(fault("timeout", true));
  });

  it("knows that a request which waited for a connection in vain was never sent", async () => {
    const seen: string[] = [];
    const { url } = await serve((request) => void seen.push(request.url ?? ""));
    const http = client({ maxConnectionsPerOrigin: 1 });
    const [first, second] = await Promise.all([
      send(http, `${url}/first`, { timeout: millis(120) }),
      send(http, `${url}/second`, soon),
    ]);
    expect([first, second]).toEqual([fault("timeout", true), fault("timeout", false)]);
    const third = await send(http, `${url}/third`, soon);
    expect(third).toEqual(fault("timeout", true));
    expect(seen).toEqual(["/first", "/third"]);
  });

  it("knows that nothing was sent while the handshake was under way", async () => {
    const { url } = await serveTcp(() => {});
    expect(await send(client(), url.replace("http:", "https:"), soon)).toEqual(fault("timeout", false));
  });

  it("obeys a signal before, during and after", async () => {
    const started = Promise.withResolvers<void>();
    const { url } = await serve(() => started.resolve());
    const http = client();
    const abort = new AbortController();
    const answer = send(http, url, { signal: abort.signal });
    await started.promise;
    abort.abort();
    expect(await answer).toEqual(fault("aborted", true));
    expect(await send(http, url, { signal: abort.signal })).toEqual(fault("aborted", false));
  });

  it("leaves neither a listener on the signal nor a timer", async () => {
    const { url } = await serve((_, response) => response.end("ok"));
    const http = client();
    await send(http, url);
    const timersBefore = runningTimers();
    const abort = new AbortController();
    for (let count = 0; count < 10; count += 1) {
      expect(await send(http, url, { signal: abort.signal, timeout: millis(600_000) })).toEqual(body("ok"));
    }
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    expect(runningTimers()).toBeLessThan(timersBefore + 10);
  });
});

describe("http client: whether it may have been sent", () => {
  it("not when the connection was refused", async () => {
    const gone = await serve(() => {});
    await gone.close();
    expect(await send(client(), gone.url)).toEqual(fault("not_sent", false));
  });

  it("not when the name does not resolve", async () => {
    expect(await send(client(), `https://${"a".repeat(64)}.invalid/`)).toEqual(fault("not_sent", false));
  });

  it("not when TLS fails", async () => {
    const { url } = await serveTcp((socket) => socket.end("not TLS"));
    expect(await send(client(), url.replace("http:", "https:"))).toEqual(fault("not_sent", false));
  });

  it("perhaps when the connection is cut after the request arrived", async () => {
    const { url } = await serve((request) => request.socket.destroy());
    expect(await send(client(), url, { method: "POST", body: "a=b" })).toEqual(fault("reset", true));
  });

  it("perhaps when the connection is cut before the server read anything", async () => {
    const { url } = await serveTcp((socket) => socket.destroy());
    expect(await send(client(), url)).toEqual(fault("reset", true));
  });

  it("perhaps when the body breaks off", async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half");
      setImmediate(() => response.destroy());
    });
    expect(await send(client(), url)).toEqual(fault("reset", true));
  });

  it("perhaps when the answer is no HTTP", async () => {
    const { url } = await serveTcp((socket) => void socket.once("data", () => socket.end("hello\r\n\r\n")));
    expect(await send(client(), url)).toEqual(fault("reset", true));
  });

  it("not when the request itself is no HTTP", async () => {
    const { url } = await serve((_, response) => response.end("ok"));
    expect(await send(client(), url, { headers: { "x-a": "b\r\nx-c: d" } })).toEqual(fault("not_sent", false));
    expect(await send(client(), url, { headers: { "x a": "b" } })).toEqual(fault("not_sent", false));
  });

  it("not when the URL is refused", async () => {
    const { url } = await serve((_, response) => response.end("ok"));
    expect(await send(client({ allowInsecureLoopback: false }), url)).toEqual(fault("refused_url", false));
  });
});

describe("http client: closing", () => {
  it("waits for what is under way, and takes nothing new", async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const { url } = await serve((_, response) => {
      arrived.resolve();
      void release.promise.then(() => response.end("ok"));
    });
    const http = createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 1 });
    const answer = send(http, url);
    await arrived.promise;
    const closed = http.close();
    expect(await send(http, url)).toEqual(fault("not_sent", false));
    release.resolve();
    expect(await answer).toEqual(body("ok"));
    await closed;
  });
});

describe("http client: two instances", () => {
  it("do not wait for each other", async () => {
    const { url } = await serve((request, response) => void (request.url === "/fast" && response.end("ok")));
    const issuing = client({ maxConnectionsPerOrigin: 1 });
    const revoking = client({ maxConnectionsPerOrigin: 1 });
    const stuck = send(issuing, `${url}/slow`, { timeout: millis(200) });
    expect(await send(revoking, `${url}/fast`)).toEqual(body("ok"));
    expect(await stuck).toEqual(fault("timeout", true));
  });
});
