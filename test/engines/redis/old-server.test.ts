/** A server that is older than the engine supports, as it tells of itself: refused before anything is written. */
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { listenOnLoopback } from "../../support/loopback-server.ts";
import { tryOpen } from "../../support/redis-opened.ts";

const info = ["redis_version:6.0.16", "run_id:0123456789abcdef", "role:master", "maxmemory_policy:noeviction", ""];
const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

it("refuses a server before 6.2, and only asks it", async () => {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      // Each command is an array of texts; its name is the first of them.
      for (const [, name = ""] of String(text).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        asked.push(name.toLowerCase());
        socket.write(name.toLowerCase() === "info" ? bulk(info.join("\r\n")) : "+OK\r\n");
      }
    });
  });
  const listening = await listenOnLoopback(server);
  const opened = await tryOpen(listening.url.replace("http:", "redis:"));
  await listening.close();
  expect(opened).toMatchObject({ ok: false, fault: { reason: "too_old" } });
  expect(asked).not.toContain("evalsha");
  expect(asked).not.toContain("eval");
});
