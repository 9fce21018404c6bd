/**
 * One server program as a child process: started, waited for until it says that it can be used, and only ever stopped
 * by its own process id. It dies with the process that started it.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ChildServer {
  readonly pid: number;
  /** What it said before it was ready. */
  readonly said: string;
  readonly exited: Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it and forgets its folder. */
  stop(): Promise<void>;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** What it says, on either output, when it can be used. */
  readonly sign: string;
  readonly folder: string;
  readonly stopSignal: NodeJS.Signals;
  readonly env?: NodeJS.ProcessEnv;
  /** Who runs it; without one, who runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

const longestStartMillis = 60_000;
const running = new Set<() => void>();
process.once("exit", () => {
  for (const end of running) end();
});

export async function launch(options: Launch): Promise<ChildServer> {
  const { command, args, sign, folder, stopSignal, env = process.env, owner = {} } = options;
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], ...owner });
  const end = (): void => {
    child.kill(stopSignal);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString("utf8")).slice(-16_384);
    if (said.includes(sign)) resolve();
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  child.once("error", (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
  void exited.then(() => reject(new Error(`${command} ended at once:\n${said}`)));
  const timer = setTimeout(() => reject(new Error(`${command} did not start in time:\n${said}`)), longestStartMillis);
  running.add(end);
  try {
    await ready;
  } catch (error) {
    running.delete(end);
    end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  // What it says from now on is read and dropped: a full pipe would stop it.
  for (const stream of [child.stdout, child.stderr]) stream.off("data", listen).resume();
  child.unref();
  return {
    pid: child.pid ?? 0,
    said,
    exited,
    kill: (signal) => void child.kill(signal),
    async stop() {
      running.delete(end);
      // Whoever waits for its end must not wind down before.
      child.ref();
      child.kill(stopSignal);
      await exited;
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export const makeFolder = (name: string): string => mkdtempSync(join(tmpdir(), `mayfly-${name}-`));

/** Asked of the kernel; another process could take it before it is used, which then shows as a server that ends. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
