/** The command as a user starts it: a process of its own, with nothing in its environment but what the test says. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const cliFile = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliWish {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Where stdout goes instead of to the test. */
  readonly stdoutFile?: string;
  /** Stops reading stdout after its first piece, as `| head` does. */
  readonly closeStdoutEarly?: boolean;
}

export function runCli(args: readonly string[], wish: CliWish = {}): Promise<Ran> {
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
    if (wish.closeStdoutEarly === true) child.stdout?.destroy();
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
