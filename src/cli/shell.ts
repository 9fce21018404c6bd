/** What a command may touch of its process: environment, streams, clock, signals. Made once, in main. */
import type { Readable } from "node:stream";
import type { Clock } from "../kernel/clock.ts";
import { millis } from "../kernel/time.ts";
import type { Terminal } from "./terminal.ts";

export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  readonly stdin: Readable;
  readonly clock: Clock;
  /** Aborted at the first SIGINT or SIGTERM, for commands that stop in order. Asking for it takes over the signals. */
  stopSignal(): AbortSignal;
}

/** True when the wait went its full length, false when it was cut short. */
export function pause(shell: Shell, spanMillis: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = shell.clock.after(millis(spanMillis), () => {
      signal.removeEventListener("abort", onAbort);
      resolve(true);
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
