/**
 * Whether a task may still get credentials (promise P2). Derived from the task, its ancestors and the doors at one
 * instant of the ledger's clock, inside the same atomic step as the change that it guards.
 */
import type { TaskId } from "../kernel/ids.ts";
import { shortestDowntimeMillis } from "../kernel/limits.ts";
import { addSeconds, epochMillis, type EpochMillis } from "../kernel/time.ts";
import type { Heartbeat, Task } from "./task.ts";

export type Gate =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly reason: GateReason; readonly by: TaskId | null };

export type GateReason = "task_ended" | "deadline" | "heartbeat_lost" | "door_closed" | "restored";

/**
 * A stretch in which the broker was not running. Heartbeats that fell due in it get one interval from its end,
 * if it was longer than that interval; deadlines never do.
 */
export interface Downtime {
  readonly from: EpochMillis;
  readonly until: EpochMillis;
}

/**
 * What a start notes. One that follows at once leaves an earlier downtime as it is: a second start must not take away
 * the grace that the first one gave.
 */
export function downtimeAtStart(
  earlier: Downtime | null,
  lastChangeAt: EpochMillis | null,
  now: EpochMillis,
): Downtime | null {
  return lastChangeAt === null || now - lastChangeAt <= shortestDowntimeMillis
    ? earlier
    : { from: lastChangeAt, until: now };
}

export interface GateFacts {
  /** The task first, then its ancestors up to the root. */
  readonly chain: readonly GateTask[];
  readonly doorsClosed: boolean;
  readonly downtime: Downtime | null;
  /** Tasks of an older generation were ended by a restore. */
  readonly restoredGeneration: number;
}

export type GateTask = Pick<Task, "id" | "deadlineAt" | "heartbeat" | "generation" | "state">;

export function evaluateGate(facts: GateFacts, now: EpochMillis): Gate {
  if (facts.doorsClosed) return { kind: "closed", reason: "door_closed", by: null };
  for (const task of facts.chain) {
    const reason = closedBy(task, facts, now);
    if (reason !== null) return { kind: "closed", reason, by: task.id };
  }
  return { kind: "open" };
}

function closedBy(task: GateTask, facts: GateFacts, now: EpochMillis): GateReason | null {
  if (task.state.kind === "ended") return "task_ended";
  if (task.generation < facts.restoredGeneration) return "restored";
  const lapse = lapseOf(task, facts.downtime);
  return now >= lapse.at ? lapse.reason : null;
}

/** When a task closes by itself and why: its deadline or its silence, whichever comes first. Ending it records both. */
export function lapseOf(task: Pick<Task, "deadlineAt" | "heartbeat">, downtime: Downtime | null): Lapse {
  const silentAt = task.heartbeat === null ? null : heartbeatDueAt(task.heartbeat, downtime);
  if (silentAt !== null && silentAt < task.deadlineAt) return { at: silentAt, reason: "heartbeat_lost" };
  return { at: task.deadlineAt, reason: "deadline" };
}

export interface Lapse {
  readonly at: EpochMillis;
  readonly reason: "deadline" | "heartbeat_lost";
}

/** When silence closes the gate, with the grace that a downtime of the broker earns. */
export function heartbeatDueAt(heartbeat: Heartbeat, downtime: Downtime | null): EpochMillis {
  if (downtime === null) return heartbeat.dueAt;
  const intervalMillis = heartbeat.everySeconds * 1000;
  const fellDueWhileDown = heartbeat.dueAt >= downtime.from && heartbeat.dueAt < downtime.until + intervalMillis;
  const longEnough = downtime.until - downtime.from > intervalMillis;
  if (!fellDueWhileDown || !longEnough) return heartbeat.dueAt;
  return epochMillis(Math.max(heartbeat.dueAt, addSeconds(downtime.until, heartbeat.everySeconds)));
}
