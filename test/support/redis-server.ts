/**
 * A real redis-server on loopback and a free port. Without persistence unless told otherwise; it dies with the test's
 * process, and is only ever stopped by its own process id.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  kill(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Ends it at once and forgets its folder. */
  stop(): Promise<void>;
  readonly exited: Promise<void>;
}

/** Where an earlier server was: one that is started there again finds its data. */
export type RedisPlace = Pick<RedisServer, "port" | "folder">;

export const appendAlways = ["--appendonly", "yes", "--appendfsync", "always"];

const running = new Set<() => void>();
process.once("exit", () => {
  for (const end of running) end();
});

export async function startRedis(args: readonly string[] = [], place?: RedisPlace): Promise<RedisServer> {
  const port = place?.port ?? (await freePort());
  const folder = place?.folder ?? makeFolder();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  return launch({
    command: "redis-server",
    args: [...settings, ...args],
    sign: "Ready to accept connections",
    port,
    folder,
  });
}

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), "mayfly-redis-"));

export async function launch(options: {
  command: string;
  args: readonly string[];
  /** What it says when it can be used. */
  sign: string;
  port: number;
  folder: string;
}): Promise<RedisServer> {
  const { command, args, sign, port, folder } = options;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) {
    // Without a listener the failed start would be thrown somewhere else.
    child.once("error", () => {});
    throw new Error(`${command} could not be started; run: apt-get install redis-server redis-sentinel`);
  }
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const end = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  running.add(end);
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes(sign)) resolve();
    });
    void exited.then(() => reject(new Error(`${command} ended at once:\n${said}`)));
  });
  child.unref();
  return {
    port,
    pid,
    folder,
    kill: (signal) => void child.kill(signal),
    exited,
    async stop() {
      running.delete(end);
      end();
      await exited;
    },
  };
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
