/**
 * What every outbound client must do, against real servers that answer, stall, drip, cut and lie. Runtimes differ in what
 * their HTTP tells; a client must never claim to know more.
 */
import { getEventListeners } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Redacted } from "../../src/kernel/redacted.ts";
import { millis } from "../../src/kernel/time.ts";
import type { HttpRequest } from "../../src/ports/http-client.ts";
import { body, createHttpBench, fault, send, soon, type ClosableClient } from "../support/http-bench.ts";

export interface ClientOptions {
  readonly allowInsecureLoopback: boolean;
  /** To one origin, at a time. */
  readonly connections: number;
}

interface Subject {
  readonly name: string;
  readonly open: (options: ClientOptions) => ClosableClient;
  readonly told: {
    /** That nothing of a request was sent although it was begun. */
    readonly untilSent: boolean;
    /** Where a repeated header's first value ends. */
    readonly firstValues: boolean;
    /** That an answer's headers are too many; otherwise it may be their time that ends them. */
    readonly endlessHeaders: boolean;
  };
}

const runningTimers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

export function describeHttpClient({ name, open, told }: Subject): void {
  const { serve, serveTcp, closing } = createHttpBench();
  const make = (options: Partial<ClientOptions> = {}) =>
    closing(open({ allowInsecureLoopback: true, connections: 2, ...options }));
  const failedBefore = told.untilSent ? fault("not_sent", false) : fault("reset", true);

  describe(`${name}: an exchange`, () => {
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
      const answer = await make().send(request);
      expect(answer).toEqual({
        ok: true,
        value: {
          status: 201,
          body: "made ✓",
          headers: expect.objectContaining({
            "x-twice": told.firstValues ? "one" : "one, two",
            "content-type": "text/plain",
          }),
        },
      });
      expect(seen).toEqual(["POST", "/a/b?c=d", "1", "Bearer canary-1", "secret=canary-2"]);
      expect(inspect(request, { depth: 9 }) + JSON.stringify(request)).not.toContain("canary");
    });

    it.each([301, 302, 303, 307, 308])("hands back a %i instead of following it", async (status) => {
      const followed: string[] = [];
      const target = await serve((request, response) => {
        followed.push(request.url ?? "");
        response.end();
      });
      const { url } = await serve((_, response) => response.writeHead(status, { location: target.url }).end());
      expect(await send(make(), url)).toMatchObject({ ok: true, value: { status } });
      expect(followed).toEqual([]);
    });

    it("waits through an interim answer", async () => {
      const { url } = await serve((_, response) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" });
        response.end("ok");
      });
      expect(await send(make(), url)).toEqual(body("ok"));
    });

    it("gives a failing status as an answer, not as a fault", async () => {
      const { url } = await serve((_, response) => response.writeHead(503).end("down"));
      expect(await send(make(), url)).toMatchObject({ ok: true, value: { status: 503, body: "down" } });
    });
  });

  describe(`${name}: the body cap`, () => {
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
      expect(await send(make(), url)).toEqual(fault("too_large", true));
    });

    it("takes a body that is exactly as large", async () => {
      const { url } = await serve((_, response) => response.end("x".repeat(1000)));
      expect(await send(make(), url)).toEqual(body("x".repeat(1000)));
    });

    it("counts bytes, not letters", async () => {
      const { url } = await serve((_, response) => response.end("✓".repeat(334)));
      expect(await send(make(), url)).toEqual(fault("too_large", true));
    });

    it("stops headers that do not end", async () => {
      const { url } = await serveTcp((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        for (let line = 0; line < 2000; line += 1) socket.write(`x-${line}: ${"y".repeat(50)}\r\n`);
      });
      const stopped = await send(make(), url, told.endlessHeaders ? {} : soon);
      const reasons = told.endlessHeaders ? ["reset"] : ["reset", "timeout"];
      expect(reasons.map((reason) => fault(reason, true))).toContainEqual(stopped);
    });
  });

  describe(`${name}: time`, () => {
    it("stops a server that never answers", async () => {
      const { url } = await serve(() => {});
      expect(await send(make(), url, soon)).toEqual(fault("timeout", true));
    });

    it("counts a slow drip of headers and body as one time", async () => {
      const { url } = await serve((_, response) => {
        response.write(" ");
        const drip = setInterval(() => response.write(" "), 5);
        response.on("close", () => clearInterval(drip));
      });
      expect(await send(make(), url, soon)).toEqual(fault("timeout", true));
    });

    it("knows that a request which waited for a connection in vain was never sent", async () => {
      const seen: string[] = [];
      const { url } = await serve((request) => void seen.push(request.url ?? ""));
      const http = make({ connections: 1 });
      const abort = new AbortController();
      const answers = [
        send(http, `${url}/first`, { timeout: millis(120) }),
        send(http, `${url}/second`, soon),
        send(http, `${url}/third`, { signal: abort.signal }),
      ];
      expect(await answers[1]).toEqual(fault("timeout", false));
      abort.abort();
      expect(await Promise.all(answers)).toEqual([
        fault("timeout", true),
        fault("timeout", false),
        fault("aborted", false),
      ]);
      expect(await send(http, `${url}/fourth`, soon)).toEqual(fault("timeout", true));
      expect(seen).toEqual(["/first", "/fourth"]);
    });

    it("has no more under way than it may, and all of them in the end", async () => {
      const held = new Set<ServerResponse>();
      let most = 0;
      const { url } = await serve((_, response) => {
        most = Math.max(most, held.add(response).size);
        // Two by two: one alone would wait for ever, and a third would be seen.
        if (held.size >= 2)
          setImmediate(() => {
            for (const waiting of held) waiting.end("ok");
            held.clear();
          });
      });
      const http = make();
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(http, url)));
      expect(answers).toEqual(answers.map(() => body("ok")));
      expect(most).toBe(2);
    });

    it("has no more under way than it may after some were given up", async () => {
      let [underWay, most] = [0, 0];
      const { url } = await serve((request, response) => {
        if (request.url === "/hang") return;
        most = Math.max(most, (underWay += 1));
        setImmediate(() => {
          underWay -= 1;
          response.end("ok");
        });
      });
      const http = make({ connections: 1 });
      const hanging = await Promise.all(Array.from({ length: 3 }, () => send(http, `${url}/hang`, soon)));
      expect(hanging.map(({ ok }) => ok)).toEqual([false, false, false]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => send(http, url)));
      expect(answers).toEqual(answers.map(() => body("ok")));
      expect(most).toBe(1);
    });

    it("of two instances do not wait for each other", async () => {
      const { url } = await serve((request, response) => void (request.url === "/fast" && response.end("ok")));
      const issuing = make({ connections: 1 });
      const revoking = make({ connections: 1 });
      const stuck = send(issuing, `${url}/slow`, { timeout: millis(200) });
      expect(await send(revoking, `${url}/fast`)).toEqual(body("ok"));
      expect(await stuck).toEqual(fault("timeout", true));
    });

    it("knows that nothing was sent while the handshake was under way", async () => {
      const { url } = await serveTcp(() => {});
      expect(await send(make(), url.replace("http:", "https:"), soon)).toEqual(fault("timeout", !told.untilSent));
    });

    it("obeys a signal before, during and after", async () => {
      const started = Promise.withResolvers<void>();
      const { url } = await serve(() => started.resolve());
      const http = make();
      const abort = new AbortController();
      const answer = send(http, url, { signal: abort.signal });
      await started.promise;
      abort.abort();
      expect(await answer).toEqual(fault("aborted", true));
      expect(await send(http, url, { signal: abort.signal })).toEqual(fault("aborted", false));
    });

    it("leaves neither a listener on the signal nor a timer", async () => {
      const { url } = await serve((_, response) => response.end("ok"));
      const http = make();
      await send(http, url);
      const timersBefore = runningTimers();
      const abort = new AbortController();
      for (let count = 0; count < 30; count += 1) {
        expect(await send(http, url, { signal: abort.signal, timeout: millis(600_000) })).toEqual(body("ok"));
      }
      expect(getEventListeners(abort.signal, "abort")).toEqual([]);
      expect(runningTimers()).toBeLessThan(timersBefore + 10);
    });
  });

  describe(`${name}: whether it may have been sent`, () => {
    it("not when the connection was refused", async () => {
      const gone = await serve(() => {});
      await gone.close();
      expect(await send(make(), gone.url)).toEqual(failedBefore);
    });

    it("not when the name does not resolve", async () => {
      expect(await send(make(), `https://${"a".repeat(64)}.invalid/`)).toEqual(failedBefore);
    });

    it("not when TLS fails", async () => {
      const { url } = await serveTcp((socket) => socket.end("not TLS"));
      expect(await send(make(), url.replace("http:", "https:"))).toEqual(failedBefore);
    });

    it("perhaps when the connection is cut after the request arrived", async () => {
      const { url } = await serve((request) => request.socket.destroy());
      expect(await send(make(), url, { method: "POST", body: "a=b" })).toEqual(fault("reset", true));
    });

    it("perhaps when the connection is cut before the server read anything", async () => {
      const { url } = await serveTcp((socket) => socket.destroy());
      expect(await send(make(), url)).toEqual(fault("reset", true));
    });

    it("perhaps when the body breaks off", async () => {
      const { url } = await serve((_, response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("half");
        setImmediate(() => response.destroy());
      });
      expect(await send(make(), url)).toEqual(fault("reset", true));
    });

    it("perhaps when the answer is no HTTP", async () => {
      const { url } = await serveTcp((socket) => void socket.once("data", () => socket.end("hello\r\n\r\n")));
      expect(await send(make(), url)).toEqual(fault("reset", true));
    });

    it("not when the request itself is no HTTP", async () => {
      const { url } = await serve((_, response) => response.end("ok"));
      expect(await send(make(), url, { headers: { "x-a": "b\r\nx-c: d" } })).toEqual(fault("not_sent", false));
      expect(await send(make(), url, { headers: { "x a": "b" } })).toEqual(fault("not_sent", false));
    });

    it("not when the URL is refused", async () => {
      const { url } = await serve((_, response) => response.end("ok"));
      expect(await send(make({ allowInsecureLoopback: false }), url)).toEqual(fault("refused_url", false));
    });
  });

  describe(`${name}: closing`, () => {
    it("waits for what is under way, and takes nothing new", async () => {
      const arrived = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const { url } = await serve((_, response) => {
        arrived.resolve();
        void release.promise.then(() => response.end("ok"));
      });
      const http = make();
      const answer = send(http, url);
      await arrived.promise;
      let isOver = false;
      const closed = http.close().then(() => (isOver = true));
      expect(await send(http, url)).toEqual(fault("not_sent", false));
      expect(isOver).toBe(false);
      release.resolve();
      expect(await answer).toEqual(body("ok"));
      await closed;
    });
  });
}
