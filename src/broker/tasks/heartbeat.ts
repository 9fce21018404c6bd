/** A sign of life. Moves when silence closes the gate, never the deadline; a late one never revives. */
import type { Task } from "../../domain/task.ts";
import type { TaskId } from "../../kernel/ids.ts";
import { err, type Result } from "../../kernel/result.ts";
import { valueOf } from "../answer-faults.ts";
import { mayHeartbeat, mayRead } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";

export async function heartbeat(
  parts: Pick<BrokerParts, "ledger">,
  caller: Caller,
  taskId: TaskId,
): Promise<Result<Task, Fault>> {
  const view = await parts.ledger.readTask(taskId);
  if (view === undefined || !mayRead(caller, view)) return err({ code: "not_found" });
  if (!mayHeartbeat(caller, view.task)) {
    return err({ code: "denied", why: "not_heartbeat_source", detail: "heartbeat_from names who may" });
  }
  return valueOf(await parts.ledger.heartbeat({ taskId, cause: causeOf(caller) }), taskId);
}
