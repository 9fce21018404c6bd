/** The machine that was measured: figures without it mean nothing. */
import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type as systemType } from "node:os";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly fileSystem: string;
  readonly node: string;
  readonly openssl: string;
  readonly sqlite: string;
  /** Null where there is none. */
  readonly redis: string | null;
  readonly pinned: boolean;
}

export function machineFacts(dir: string, pinned: boolean): MachineFacts {
  const { node, openssl, sqlite } = process.versions;
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${systemType()} ${release()}`,
    fileSystem: fileSystemOf(dir),
    node,
    openssl: openssl ?? "unknown",
    sqlite: sqlite ?? "unknown",
    redis: redisVersion(),
    pinned,
  };
}

function fileSystemOf(dir: string): string {
  const printed = output("stat", ["-f", "-c", "%T", dir]);
  return printed === undefined || printed === "" ? "unknown" : printed;
}

/** Pinning needs a second core and the tool; without them both sides share what there is, and the report says so. */
export const canPin = (): boolean => cpus().length > 1 && output("taskset", ["-c", "0", "true"]) !== undefined;

/** Of the server that would be started; without one the goals of the Redis engine are left out. */
export function redisVersion(): string | null {
  const printed = output("redis-server", ["--version"]);
  return printed === undefined ? null : (/v=(\S+)/.exec(printed)?.[1] ?? "unknown");
}

function output(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
