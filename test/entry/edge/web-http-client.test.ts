/** The outbound client over `fetch`: the contract, and what `fetch` would do by itself. */
import { createGzip } from "node:zlib";
import { expect, it } from "vitest";
import { createWebHttpClient } from "../../../src/entry/edge/web-http-client.ts";
import { createHttpBench, fault, send } from "../../support/http-bench.ts";
import { describeHttpClient } from "../http-client-contract.ts";

describeHttpClient({
  name: "web http client",
  open: ({ connections, ...options }) => createWebHttpClient({ ...options, maxConnections: connections }),
  told: { untilSent: false, firstValues: false, endlessHeaders: true },
});

const { serve, closing } = createHttpBench();
const client = () => closing(createWebHttpClient({ allowInsecureLoopback: true, maxConnections: 2 }));

it("adds no content type of its own, and asks for no compression and no cache", async () => {
  const seen: unknown[] = [];
  const { url } = await serve(({ headers }, response) => {
    seen.push(headers["content-type"], headers["accept-encoding"], headers["cache-control"]);
    response.end();
  });
  await send(client(), url, { method: "POST", body: "a=b" });
  expect(seen).toEqual([undefined, "identity", "no-cache"]);
});

it("counts what a compressed body unfolds to", async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    createGzip().end("x".repeat(100_000)).pipe(response);
  });
  expect(await send(client(), url)).toEqual(fault("too_large", true));
});
