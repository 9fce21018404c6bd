/**
 * A broker never limps on after a fault that nobody expected: what it left half done is found by the next start, which
 * runs the same code as any. So the process says where it happened and ends at once.
 */
import { faultPlace } from "../kernel/fault-place.ts";
import type { Log } from "../ports/log.ts";

/** EX_SOFTWARE: a supervisor starts it again. */
export const crashExitCode = 70;

export function endOnSurprise(log: Log): void {
  const end =
    (kind: string) =>
    (error: unknown): never => {
      const { name, places } = faultPlace(error);
      try {
        log.error("crashed", { kind, name, places: places.join(" | ") });
      } finally {
        process.exit(crashExitCode);
      }
    };
  // First in line: what others listen for is of no use to a process that ends.
  process.prependListener("uncaughtException", end("uncaught_exception"));
  process.prependListener("unhandledRejection", end("unhandled_rejection"));
}
