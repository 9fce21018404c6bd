/**
 * Ends a task. The gate is closed durably before any waiting; then, if the caller prefers, waits for verdicts within
 * bounds. Waiting changes nothing: the kill path runs by itself.
 */
import type { EndOutcome } from "../../domain/task.ts";
import type { LeaseId, TaskId } from "../../kernel/ids.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { storeFault } from "../answer-faults.ts";
import { mayEnd, mayRead } from "../callers/may.ts";
import { causeOf } from "../cause.ts";
import type { Fault } from "../fault.ts";
import type { BrokerParts, Caller } from "../parts.ts";
import { isSettled, reportTask, type TaskReport } from "./report.ts";
import { waitUntil, type Wait } from "./wait.ts";

type Parts = Pick<BrokerParts, "ledger" | "clock" | "changes" | "metrics">;

export interface EndRequest {
  readonly taskId: TaskId;
  readonly outcome: EndOutcome;
  readonly reason: string | null;
  readonly wait: Wait | null;
}

export async function endTask(parts: Parts, caller: Caller, request: EndRequest): Promise<Result<TaskReport, Fault>> {
  const { taskId, outcome, reason } = request;
  const view = await parts.ledger.readTask(taskId);
  if (view === undefined || !mayEnd(caller, view)) return err({ code: "not_found" });
  const answer = await parts.ledger.endTask({ taskId, outcome, reason, cause: causeOf(caller) });
  if (answer.kind === "unknown") return err(storeFault);
  if (answer.kind === "conflict") return err({ code: "not_found" });
  parts.changes.notify(taskId);
  if (request.wait !== null) {
    await waitUntil(parts, { ...request.wait, taskId }, async () => isSettled(await parts.ledger.summarize(taskId)));
  }
  const report = await reportTask(parts, taskId, null);
  return report === undefined ? err({ code: "not_found" }) : ok(report);
}

/** A task as its own people see it; with a wait, answers at its next change. */
export async function readTask(
  parts: Parts,
  caller: Caller,
  request: { taskId: TaskId; after: LeaseId | null; wait: Wait | null },
): Promise<Result<TaskReport, Fault>> {
  const { taskId, after } = request;
  const view = await parts.ledger.readTask(taskId);
  if (view === undefined || !mayRead(caller, view)) return err({ code: "not_found" });
  if (request.wait !== null) {
    const before = JSON.stringify([view.gate, await parts.ledger.summarize(taskId)]);
    await waitUntil(parts, { ...request.wait, taskId }, async () => {
      const nowView = await parts.ledger.readTask(taskId);
      return JSON.stringify([nowView?.gate, await parts.ledger.summarize(taskId)]) !== before;
    });
  }
  const report = await reportTask(parts, taskId, after);
  return report === undefined ? err({ code: "not_found" }) : ok(report);
}
