/** `mayfly serve` as the process that a user starts: its log line by line, its exit, and its signals. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const cliFile = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const boundMillis = 15_000;

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string };

export interface Child {
  /** Everything on stderr so far. */
  text(): string;
  readonly log: readonly LogLine[];
  /** The next line with this event, or an earlier one. */
  line(event: string): Promise<LogLine>;
  signal(name: "SIGTERM" | "SIGHUP" | "SIGKILL" | "SIGUSR2" | "SIGSTOP" | "SIGCONT"): void;
  /** Resolves when the process has ended: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

export function startChild(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(process.execPath, [cliFile, "serve", ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log: LogLine[] = [];
  const waiting: { event: string; resolve: (line: LogLine) => void }[] = [];
  let text = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    text += `${line}\n`;
    const parsed = parse(line);
    if (parsed === undefined) return;
    log.push(parsed);
    for (const waiter of waiting.splice(0)) {
      if (waiter.event === parsed.event) waiter.resolve(parsed);
      else waiting.push(waiter);
    }
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  return {
    text: () => text,
    log,
    exited,
    signal: (name) => void child.kill(name),
    async line(event) {
      const earlier = log.find((line) => line.event === event);
      if (earlier !== undefined) return earlier;
      const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
      waiting.push({ event, resolve });
      const fail = (why: string): void => reject(new Error(`no "${event}" in the log (${why}):\n${text}`));
      const timer = setTimeout(() => fail(`within ${boundMillis} ms`), boundMillis);
      void exited.then((code) => fail(`the process ended with ${code}`));
      return promise.finally(() => clearTimeout(timer));
    },
  };
}

function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
