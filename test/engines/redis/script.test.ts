/** What keeps a script from being answered: a store that is away, told apart from a script that is wrong. */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { StoreAwayError } from "../../../src/domain/store-away.ts";
import { createScriptRunner } from "../../../src/engines/redis/script.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis({ port: server.port, host: "127.0.0.1", enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  await client.ping().catch(() => new Promise((resolve) => client.once("ready", resolve)));
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

const traits = { lane: "issue", isAcknowledged: false, isRefusedWhenFull: true } as const;
const run = (body: string): Promise<unknown> =>
  createScriptRunner({
    clientFor: () => client,
    digest: (text) => createHash("sha1").update(text).digest("hex"),
    wall: "server",
    knowsFlags: true,
  })
    .run({ name: "tried", text: body, ...traits }, "tried:{s00}", {})
    .catch((error: unknown) => error);

it.each([
  ["a server that is loading", "return redis.error_reply('LOADING it loads')", "LOADING"],
  ["a master that became a replica", "return redis.error_reply('READONLY a replica')", "READONLY"],
  ["a user that may not", "return redis.error_reply('NOPERM not for you')", "NOPERM"],
])("%s is a store that is away", async (_, body, code) => {
  const error = await run(body);
  expect(error).toBeInstanceOf(StoreAwayError);
  expect(error).toMatchObject({ code });
});

it.each([
  ["a script with a fault", "return nothing.there"],
  ["a key of another type", "return redis.error_reply('WRONGTYPE against a key')"],
  ["an answer that is none", "return 'OK'"],
])("%s is not", async (_, body) => {
  const error = await run(body);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(StoreAwayError);
});

it("a server that died is away, for what was under way and for what comes after", async () => {
  const underWay = run("while true do end");
  server.kill("SIGKILL");
  expect(await underWay).toBeInstanceOf(StoreAwayError);
  expect(await run("return 1")).toBeInstanceOf(StoreAwayError);
});
