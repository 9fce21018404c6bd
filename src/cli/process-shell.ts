/** The shell of the real process. */
import { performance } from "node:perf_hooks";
import type { Clock } from "../kernel/clock.ts";
import { epochMillis } from "../kernel/time.ts";
import type { Shell } from "./shell.ts";
import { createTerminal } from "./terminal.ts";

const clock: Clock = {
  now: () => epochMillis(Date.now()),
  monotonicMillis: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, Math.max(0, delay));
    return () => clearTimeout(timer);
  },
};

export function createProcessShell(): Shell {
  const { env, stdin, stdout, stderr } = process;
  let stopping: AbortController | undefined;
  return {
    env,
    stdin,
    clock,
    terminal: createTerminal({ stdin, stdout, stderr, env }),
    stopSignal() {
      if (stopping === undefined) {
        const controller = new AbortController();
        stopping = controller;
        const stop = (): void => controller.abort();
        // A second signal finds no listener and ends the process.
        process.once("SIGINT", stop).once("SIGTERM", stop);
      }
      return stopping.signal;
    },
  };
}
