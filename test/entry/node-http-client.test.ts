/** The outbound client of Node: the contract, and what it knows of its connections. */
import type { Socket } from "node:net";
import { expect, it } from "vitest";
import { createNodeHttpClient } from "../../src/entry/node-http-client.ts";
import { body, createHttpBench, send } from "../support/http-bench.ts";
import { describeHttpClient } from "./http-client-contract.ts";

describeHttpClient({
  name: "node http client",
  open: ({ connections, ...options }) => createNodeHttpClient({ ...options, maxConnectionsPerOrigin: connections }),
  told: { untilSent: true, firstValues: true, endlessHeaders: true },
});

const { serve, closing } = createHttpBench();

it("keeps connections alive, and opens no more than allowed", async () => {
  const sockets = new Set<Socket>();
  const { url } = await serve((request, response) => {
    sockets.add(request.socket);
    setImmediate(() => response.end("ok"));
  });
  const http = closing(createNodeHttpClient({ allowInsecureLoopback: true, maxConnectionsPerOrigin: 2 }));
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(http, url)));
  expect(answers).toEqual(answers.map(() => body("ok")));
  expect(sockets.size).toBe(2);
});
