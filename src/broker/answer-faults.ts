/** Ledger answers to faults, once. `unknown` is never guessed: the caller hears "not known, safe to repeat". */
import { seconds } from "../kernel/time.ts";
import type { Answer } from "../ports/ledger.ts";
import type { GateClosed, LimitReached, NotFound, Suspended } from "../ports/ledger-commands.ts";
import type { TaskId } from "../kernel/ids.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import type { Fault } from "./fault.ts";

export const storeFault: Fault = { code: "unavailable", why: "store", retryAfterSeconds: seconds(1) };

export function commonFault(conflict: GateClosed | LimitReached | NotFound | Suspended, taskId: TaskId | null): Fault {
  if (conflict.reason === "gate_closed") return { code: "task_closed", gate: conflict.gate, taskId };
  if (conflict.reason === "not_found") return { code: "not_found" };
  if (conflict.reason === "limit_reached")
    return { code: "limit_reached", limit: conflict.limit, retryAfterSeconds: seconds(10) };
  return { code: "unavailable", why: "suspended", retryAfterSeconds: seconds(10) };
}

/** For verbs whose only conflicts are the common ones. */
export function valueOf<T>(
  answer: Answer<T, GateClosed | NotFound | Suspended>,
  taskId: TaskId | null,
): Result<T, Fault> {
  if (answer.kind === "ok") return ok(answer.value);
  return err(answer.kind === "conflict" ? commonFault(answer.conflict, taskId) : storeFault);
}
