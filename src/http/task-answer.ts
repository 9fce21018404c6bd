/** Tasks and leases as the wire tells them: RFC 3339 instants, members that do not apply left out. */
import type { Task } from "../domain/task.ts";
import type { LeaseLine } from "../broker/leases/lease-line.ts";
import type { TaskReport } from "../broker/tasks/report.ts";
import { toRfc3339, type EpochMillis } from "../kernel/time.ts";
import type { LeaseAnswer, TaskAnswer, TaskState } from "./schemas/task.ts";

/** Of a task that was just opened or just gave a sign of life, so its gate is open. */
export function openTaskState(task: Task): TaskState {
  return stateOf(task, "open");
}

export function taskAnswerOf(report: TaskReport): TaskAnswer {
  const { task, gate } = report.view;
  const { state } = task;
  const isOpen = gate.kind === "open";
  return {
    ...stateOf(task, state.kind === "ended" ? "ended" : isOpen ? "open" : "closed"),
    gate: isOpen ? "open" : gate.reason,
    agent: task.agent,
    parent_task_id: task.parentId ?? undefined,
    purpose: task.purpose ?? undefined,
    ticket: task.ticket ?? undefined,
    opened_at: toRfc3339(task.openedAt),
    ...(state.kind === "ended" && {
      outcome: state.outcome,
      reason: state.reason ?? undefined,
      ended_at: toRfc3339(state.endedAt),
    }),
    summary: {
      live: report.summary.live,
      dead: report.summary.dead,
      stuck: report.summary.stuck,
      by_state: report.summary.byState,
    },
    leases: report.leases.map(leaseAnswerOf),
    next: report.next ?? undefined,
    could_lose_seconds: report.couldLose?.seconds,
  };
}

export function leaseAnswerOf(report: LeaseLine): LeaseAnswer {
  return {
    lease_id: report.leaseId,
    template: report.template,
    provider: report.provider,
    state: report.state,
    verdict: report.verdict,
    attempts: report.attempts,
    dead_at: instantOf(report.deadAt),
    next_attempt_at: instantOf(report.nextAttemptAt),
    usable_until: instantOf(report.usableUntil),
    reason: report.reason ?? undefined,
    fix: report.fix ?? undefined,
    ...(report.isKillUnseen && { kill_seen: false }),
  };
}

const stateOf = (task: Task, state: TaskState["state"]): TaskState => ({
  task_id: task.id,
  state,
  deadline_at: toRfc3339(task.deadlineAt),
  heartbeat_due_at: task.heartbeat === null ? null : toRfc3339(task.heartbeat.dueAt),
});

const instantOf = (at: EpochMillis | null): string | undefined => (at === null ? undefined : toRfc3339(at));
