/** The ledger port over the scripts: which verb runs where. How scripts reach a server is the connection's business. */
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { orUnknown } from "./answers.ts";
import type { ShardCalls } from "./shard-calls.ts";
import { readTask } from "./verbs/reads.ts";
import { acceptClock, health } from "./verbs/store.ts";
import { beat, endTask, openTask } from "./verbs/tasks.ts";

export function createRedisLedger(parts: { calls: ShardCalls; log: Log; close: () => Promise<void> }): Ledger {
  const { calls, log, close } = parts;
  return {
    openTask: (command) => orUnknown(log, "openTask", () => openTask(calls, command)),
    heartbeat: (command) => orUnknown(log, "heartbeat", () => beat(calls, command)),
    endTask: (command) => orUnknown(log, "endTask", () => endTask(calls, command)),
    readTask: (taskId) => readTask(calls, taskId),
    health: () => health(calls),
    acceptClock: (cause) => orUnknown(log, "acceptClock", () => acceptClock(calls, cause)),
    onDue: (listener) => calls.onDue(listener),
    close,
  } as Ledger;
}
