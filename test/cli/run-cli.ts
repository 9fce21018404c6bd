/**
 * The command in two ways: as the process that a user starts, with nothing in its environment but what the test says,
 * and as the same code in this process on streams of its own, which costs no start and is for tables.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { runCommandLine } from "../../src/cli/program.ts";
import { createTerminal } from "../../src/cli/terminal.ts";
import { realClock } from "../support/real-clock.ts";

// A start takes a quarter of a second, and several on a busy machine; a test makes up to ten.
vi.setConfig({ testTimeout: 60_000 });

export const cliFile = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliWish {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export async function runCli(args: readonly string[], { env = {}, input = "" }: CliWish = {}): Promise<Ran> {
  const stdin = new PassThrough();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = [collect(stdout), collect(stderr)] as const;
  stdin.end(input);
  const terminal = createTerminal({ stdin, stdout, stderr, env });
  const stopSignal = () => new AbortController().signal;
  const code = await runCommandLine(args, { env, terminal, stdin, clock: realClock, stopSignal });
  return { code, stdout: written[0](), stderr: written[1]() };
}

function collect(stream: PassThrough): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  return () => text + String(stream.read() ?? "");
}

export interface BinaryWish extends CliWish {
  /** Where stdout goes instead of to the test. */
  readonly stdoutFile?: string;
  /** Told all of stdout so far at each piece; may leave, as `| head` does. */
  readonly onStdout?: (stdout: string, leave: () => Promise<void>) => void;
}

export function runBinary(args: readonly string[], wish: BinaryWish = {}): Promise<Ran> {
  const file = wish.stdoutFile === undefined ? undefined : openSync(wish.stdoutFile, "w");
  const child = spawn(process.execPath, [cliFile, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...wish.env },
    stdio: ["pipe", file ?? "pipe", "pipe"],
  });
  if (file !== undefined) closeSync(file);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    stdout += piece;
    wish.onStdout?.(stdout, () => leave(child.stdout));
  });
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(wish.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The writer finds nobody from the moment that this resolves. */
const leave = (stdout: Readable | null): Promise<void> =>
  new Promise((resolve) => {
    if (stdout === null) return resolve();
    stdout.once("close", () => resolve());
    stdout.destroy();
  });
