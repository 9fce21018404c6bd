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
  const all = [
    ...Array.from({ length: 4 }, () => send(issuing, `${url}/issue`)),
    ...Array.from({ length: 6 }, () => send(revoking, `${url}/kill`)),
    ...Array.from({ length: 2 }, () => send(keys, `${url}/keys`)),
  ];
  const answers = await Promise.all(all);
  expect(answers).toEqual(answers.map(() => body("ok")));
  expect(most).toEqual({ "/issue": 2, "/kill": 3, "/keys": 1 });
});

it("plain http is for development", async () => {
  const { url } = await serve((_, response) => response.end("ok"));
  const { issuing, revoking, keys } = closing(openWebConnections("production"));
  for (const http of [issuing, revoking, keys])
    expect(await send(http, url)).toEqual({ ok: false, fault: { reason: "refused_url", maybeSent: false } });
});
