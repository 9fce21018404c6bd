/**
 * The Workers runtime itself, without the tool that deploys: a Worker bundled from its sources, served by workerd on
 * a free port of loopback, its objects' storage in a folder. It can be killed at any instant and started again on it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { bundleWorker, compatibilityDate, compatibilityFlags } from "./bundle.ts";

export interface WorkerWish {
  /** The entry module. */
  readonly entry: string;
  /** Binding to class, each an object class of the entry with SQL storage. */
  readonly objects: Readonly<Record<string, string>>;
  /** Text bindings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Certificates of an authority that it trusts besides, as PEM. */
  readonly trusted?: string;
  /** Where it listens, all with the same answers; one free port unless told. */
  readonly ports?: readonly number[];
}

export interface RunningWorker {
  /** Another after `startAgain`. */
  readonly url: string;
  /** All that the runtime printed. */
  text(): string;
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** The same Worker over the same storage, perhaps with other text bindings. */
  startAgain(env?: WorkerWish["env"]): Promise<void>;
  /** Where its objects' storage is. */
  readonly storage: string;
  close(): Promise<void>;
}

export async function startWorker(wish: WorkerWish): Promise<RunningWorker> {
  const folder = mkdtempSync(join(tmpdir(), "mayfly-worker-"));
  mkdirSync(join(folder, "state"));
  copyFileSync(await bundleWorker(wish.entry, Object.values(wish.objects)), join(folder, "worker.js"));
  writeFileSync(join(folder, "config.capnp"), configText(wish, folder));
  let text = "";
  const say = (line: string): void => void (text += `${line}\n`);
  let running = await serve(folder, say);
  return {
    get url() {
      return running.url;
    },
    text: () => text,
    kill: (signal) => end(running.child, signal),
    storage: join(folder, "state"),
    async startAgain(env = wish.env ?? {}) {
      writeFileSync(join(folder, "config.capnp"), configText({ ...wish, env }, folder));
      running = await serve(folder, say);
    },
    async close() {
      await end(running.child, "SIGKILL");
      rmSync(folder, { recursive: true });
    },
  };
}

/** Its package knows where; what it puts into `.bin` may be a script, which passes no more than three streams on. */
const binaryPath = (): string => (createRequire(import.meta.url)("workerd") as { readonly default: string }).default;

/** https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configText({ objects, env = {}, ports = [0], trusted }: WorkerWish, folder: string): string {
  const quoted = (value: string): string => JSON.stringify(value);
  const bindings = [
    ...Object.entries(objects).map(
      ([name, className]) => `(name = ${quoted(name)}, durableObjectNamespace = ${quoted(className)})`,
    ),
    ...Object.entries(env).map(([name, value]) => `(name = ${quoted(name)}, text = ${quoted(value)})`),
  ];
  const classes = Object.values(objects).map(
    (className) => `(className = ${quoted(className)}, uniqueKey = ${quoted(className)}, enableSql = true)`,
  );
  const authorities = trusted === undefined ? "" : quoted(trusted);
  const sockets = ports.map(
    (port, index) => `(name = "http${index}", address = "127.0.0.1:${port}", http = (), service = "main")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = ${quoted(join(folder, "state"))}, writable = true)),
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true, trustedCertificates = [${authorities}]))),
  ],
  sockets = [${sockets.join(", ")}],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
  durableObjectNamespaces = [${classes.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [${bindings.join(", ")}],
);
`;
}

const startBoundMillis = 20_000;

async function serve(folder: string, say: (line: string) => void): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(binaryPath(), ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [, stdout, stderr, control] = child.stdio as unknown as [null, Readable, Readable, Readable];
  for (const stream of [stdout, stderr]) createInterface({ input: stream }).on("line", say);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  createInterface({ input: control }).on("line", (line) => {
    const { event, port } = JSON.parse(line) as { event: string; port?: number };
    if (event === "listen" && port !== undefined) resolve(port);
  });
  child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  const timer = setTimeout(() => reject(new Error("workerd did not listen in time")), startBoundMillis);
  try {
    return { child, url: `http://127.0.0.1:${await promise}` };
  } finally {
    clearTimeout(timer);
  }
}

async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
