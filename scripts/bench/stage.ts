/**
 * All that one run starts: actors and temporary folders. Whatever ends the run, every actor is ended by its own
 * process id and every folder removed.
 */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ActorAnswer } from "./messages.ts";

export interface Actor {
  ask<T>(name: string, argument?: unknown): Promise<T>;
  /** Resolves with the next event of this name. */
  next<T>(name: string): Promise<T>;
  /** SIGKILL, as a power cut does it. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Servers and ledgers on the last core, whoever asks them on the first. */
export type Core = "server" | "client";

export interface Stage {
  readonly pinned: boolean;
  start(file: string, core: Core, env?: Readonly<Record<string, string>>): Promise<Actor>;
  /** A new folder; in memory where `where` is a memory file system. */
  folder(where?: string): string;
  close(): Promise<void>;
}

const stopGraceMillis = 10_000;

/** A file system in memory, where this machine has one: a sync costs nothing there. */
export function memoryFolder(): string | undefined {
  const folder = "/dev/shm";
  return existsSync(folder) ? folder : undefined;
}

export function createStage(options: { pinned: boolean; dir: string | null }): Stage {
  const actors = new Set<ChildProcess>();
  const folders: string[] = [];
  const removeAll = (): void => {
    for (const child of actors) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", removeAll);
  return {
    pinned: options.pinned,
    async start(file, core, env = {}) {
      const child = spawnActor(file, options.pinned ? coreNumber(core) : null, env);
      actors.add(child);
      child.once("exit", () => actors.delete(child));
      return actorOf(child, file);
    },
    folder(where = options.dir ?? tmpdir()) {
      const folder = mkdtempSync(join(where, "mayfly-bench-"));
      folders.push(folder);
      return folder;
    },
    async close() {
      await Promise.all([...actors].map((child) => endChild(child, "SIGTERM")));
      removeAll();
    },
  };
}

const coreNumber = (core: Core): number => (core === "client" ? 0 : cpus().length - 1);

function spawnActor(file: string, core: number | null, env: Readonly<Record<string, string>>): ChildProcess {
  const path = fileURLToPath(new URL(`actors/${file}`, import.meta.url));
  const options: SpawnOptions = { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit", "ipc"] };
  if (core === null) return spawn(process.execPath, [path], options);
  // taskset becomes the program, so the channel and the process id are the program's own.
  return spawn("taskset", ["-c", String(core), process.execPath, path], options);
}

async function actorOf(child: ChildProcess, file: string): Promise<Actor> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const events = new Map<string, (value: unknown) => void>();
  const ready = Promise.withResolvers<void>();
  let lastId = 0;
  const fail = (text: string): void => {
    const error = new Error(`${file}: ${text}`);
    ready.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.once("exit", (code, signal) => fail(`ended (${signal ?? code ?? "?"})`));
  child.once("error", (error) => fail(error.message));
  child.on("message", (message: ActorAnswer) => {
    if (message.kind === "ready") ready.resolve();
    else if (message.kind === "event") events.get(message.name)?.(message.value);
    else {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.kind === "done") asked?.resolve(message.value);
      else asked?.reject(new Error(`${file}: ${message.error}`));
    }
  });
  await ready.promise;
  return {
    ask: <T>(name: string, argument: unknown = null) =>
      new Promise<T>((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve: (value) => resolve(value as T), reject });
        child.send({ id: lastId, name, argument });
      }),
    next: <T>(name: string) => new Promise<T>((resolve) => events.set(name, (value) => resolve(value as T))),
    kill: () => endChild(child, "SIGKILL"),
    stop: () => endChild(child, "SIGTERM"),
  };
}

async function endChild(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), stopGraceMillis);
  await exited;
  clearTimeout(timer);
}
