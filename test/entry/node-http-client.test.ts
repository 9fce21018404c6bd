/** The outbound client of Node: the contract, and what it knows of its connections. */
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { createNodeHttpClient, type NodeHttpClient } from "../../src/entry/node-http-client.ts";
import { millis } from "../../src/kernel/time.ts";
import { body, createHttpBench, fault, send, soon } from "../support/http-bench.ts";
import { describeHttpClient } from "./http-client-contract.ts";

describeHttpClient({
  name: "node http client",
  open: (options) => createNodeHttpClient({ ...options, maxConnectionsPerOrigin: 2 }),
  told: { untilSent: true, firstValues: true, endlessHeaders: true },
});

const { serve, closing } = createHttpBench();
const client = (maxConnectionsPerOrigin: number): NodeHttpClient =>
  closing(createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin }));

describe("node http client: its connections", () => {
  it("keeps connections alive, and opens no more than allowed", async () => {
    const sockets = new Set<Socket>();
    const { url } = await serve((request, response) => {
      sockets.add(request.socket);
      setImmediate(() => response.end("ok"));
    });
    const http = client(2);
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(http, url)));
    expect(answers).toEqual(answers.map(() => body("ok")));
    expect(sockets.size).toBe(2);
  });

  it("knows that a request which waited for a connection in vain was never sent", async () => {
    const seen: string[] = [];
    const { url } = await serve((request) => void seen.push(request.url ?? ""));
    const http = client(1);
    const [first, second] = await Promise.all([
      send(http, `${url}/first`, { timeout: millis(120) }),
      send(http, `${url}/second`, soon),
    ]);
    expect([first, second]).toEqual([fault("timeout", true), fault("timeout", false)]);
    const third = await send(http, `${url}/third`, soon);
    expect(third).toEqual(fault("timeout", true));
    expect(seen).toEqual(["/first", "/third"]);
  });

  it("of two instances do not wait for each other", async () => {
    const { url } = await serve((request, response) => void (request.url === "/fast" && response.end("ok")));
    const issuing = client(1);
    const revoking = client(1);
    const stuck = send(issuing, `${url}/slow`, { timeout: millis(200) });
    expect(await send(revoking, `${url}/fast`)).toEqual(body("ok"));
    expect(await stuck).toEqual(fault("timeout", true));
  });
});
