/** An object's few connections, shared out: none of the three can take another's, and there are no more. */
import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { openWebConnections } from "../../../src/entry/edge/web-connections.ts";
import { body, createHttpBench, send } from "../../support/http-bench.ts";

const { serve, closing } = createHttpBench();

it("kills, issues and key sets have their own, six in all", async () => {
  const held = new Map<ServerResponse, string>();
  const most: Record<string, number> = {};
  const { url } = await serve(({ url: path = "" }, response) => {
    held.set(response, path);
    most[path] = Math.max(most[path] ?? 0, [...held.values()].filter((other) => other === path).length);
    // Fewer than six would wait for ever, and more would be seen.
    if (held.size >= 6)
      setImmediate(() => {
        for (const waiting of held.keys()) waiting.end("ok");
        held.clear();
      });
  });
  const connections = closing(openWebConnections("development"));
  const { issuing, revoking, keys } = connections;
  const [one, another] = [url, url.replace("127.0.0.1", "localhost")];
  const all = [
    ...Array.from({ length: 4 }, () => send(issuing, `${one}/issue`)),
    ...Array.from({ length: 4 }, () => send(revoking, `${one}/kill`)),
    ...Array.from({ length: 2 }, () => send(revoking, `${another}/kill`)),
    ...Array.from({ length: 2 }, () => send(keys, `${one}/keys`)),
  ];
  const answers = await Promise.all(all);
  expect(answers).toEqual(answers.map(() => body("ok")));
  expect(most).toEqual({ "/issue": 2, "/kill": 3, "/keys": 1 });
});

it("one system that hangs leaves a connection to the kills of the others", async () => {
  const hanging = await serve(() => {});
  const healthy = await serve((_, response) => response.end("ok"));
  const { revoking } = closing(openWebConnections("development"));
  const abort = new AbortController();
  const stuck = Array.from({ length: 5 }, () => send(revoking, hanging.url, { signal: abort.signal }));
  for (let kill = 0; kill < 5; kill += 1) expect(await send(revoking, healthy.url)).toEqual(body("ok"));
  abort.abort();
  expect((await Promise.all(stuck)).every(({ ok }) => !ok)).toBe(true);
});

it("plain http is for development", async () => {
  const { url } = await serve((_, response) => response.end("ok"));
  const { issuing, revoking, keys } = closing(openWebConnections("production"));
  for (const http of [issuing, revoking, keys])
    expect(await send(http, url)).toEqual({ ok: false, fault: { reason: "refused_url", maybeSent: false } });
});
