/** A real redis-server on loopback and a free port, without persistence, one a test process; it dies with the process. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  readonly exited: Promise<void>;
}

export async function startRedis(args: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "mayfly-redis-"));
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn("redis-server", [...settings, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) throw new Error("redis-server could not be started; install it: apt-get install redis-server");
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill: RedisServer["kill"] = (signal) => void child.kill(signal);
  process.once("exit", () => {
    kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes("Ready to accept connections")) resolve();
    });
    void exited.then(() => reject(new Error(`redis-server ended at once:\n${said}`)));
  });
  child.unref();
  return { port, pid, kill, exited };
}

/** Asked of the kernel; another process could take it before it is used, which then shows as a server that ends. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
