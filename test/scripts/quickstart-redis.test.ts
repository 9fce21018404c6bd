/** The quickstart as a user runs it on a Redis: the whole story, nothing left behind, and what to do where there is none. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/servers/child-server.ts";
import { startRedis, type RedisServer } from "../support/redis-server.ts";
import { redisCli } from "../support/redis-topologies.ts";

const program = fileURLToPath(new URL("../../scripts/quickstart.ts", import.meta.url));
const run = (url: string, env: Readonly<Record<string, string>> = {}) =>
  promisify(execFile)(process.execPath, [program, "--exit", "--ledger", url], { env: { ...process.env, ...env } }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe("a quickstart on a Redis", () => {
  it("without persistence plays the whole story, under keys of its own, and takes them away", async () => {
    redisCli(server.port, "set", "of-somebody-else", "1");
    const { code, stdout } = await run(`redis://127.0.0.1:${server.port}`);
    expect(stdout).toContain("Every step was observed.");
    expect(code).toBe(0);
    expect(redisCli(server.port, "keys", "*").trim()).toBe("of-somebody-else");
  });

  it("leaves the keys where the user named a prefix", async () => {
    const { code } = await run(`redis://127.0.0.1:${server.port}?prefix=kept`);
    expect(code).toBe(0);
    expect(redisCli(server.port, "keys", "kept{s00}:meta").trim()).toBe("kept{s00}:meta");
  });

  it("says how to start a server where none is", async () => {
    const port = await freePort();
    const { code, stdout } = await run(`redis://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(stdout).toContain(`127.0.0.1:${port} does not answer (ECONNREFUSED)`);
    expect(stdout).toContain(`redis-server --port ${port}`);
  });
});
