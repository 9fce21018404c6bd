/** `mayfly restore` with the real clock: the engine does the work, and keeps what it replaces. */
import type { OpenFault } from "../engines/node-sqlite/open-fault.ts";
import { restoreSqliteLedger, type Restored } from "../engines/node-sqlite/restore.ts";
import type { Result } from "../kernel/result.ts";
import { nodeClock } from "./node-clock.ts";

export const restoreLedger = (from: string, to: string): Result<Restored, OpenFault> =>
  restoreSqliteLedger({ from, to, clock: nodeClock });
