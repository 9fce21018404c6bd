/**
 * Limits as the ledger reserves them. A template's limits count that template's own leases, a guardrail's count
 * whatever it matches. Counters are names only; the ledger decides under its own clock.
 */
import type { LimitReservation } from "../domain/limit.ts";
import type { AgentName } from "../domain/names.ts";
import type { Task } from "../domain/task.ts";
import { seconds } from "../kernel/time.ts";
import type { AgentProfile, Guardrail, TemplateLimits } from "./resources.ts";

export interface Counted {
  readonly agent: AgentName;
  /** Null: the task will hold this one lease only, so limits within a task cannot be exceeded. */
  readonly task: Task | null;
}

const minute = seconds(60);

export const templateReservations = (template: string, limits: TemplateLimits, counted: Counted) =>
  reservationsOf(limits, counted, { counter: `template:${template}`, limit: "" });

export const guardrailReservations = ({ name, limits }: Guardrail, counted: Counted) =>
  reservationsOf(limits, counted, { counter: `guardrail:${name}`, limit: `guardrail:${name}:` });

/** Tasks opened by exchanges: each holds one lease, so live leases count live tasks. */
export const autoTaskReservation = (agent: AgentName, max: number): LimitReservation => ({
  limit: "autoTasks",
  counter: `agent:${agent}:auto`,
  max,
});

/** Tasks opened by request: they count for the agent that works on them and for whoever opened them. */
export function openTaskReservations(agent: AgentProfile, opener: AgentProfile): readonly LimitReservation[] {
  const reservations: LimitReservation[] = [];
  if (agent.role.kind === "agent")
    reservations.push({ limit: "openTasks", counter: `agent:${agent.name}:tasks`, max: agent.role.openTasks });
  if (opener.role.kind === "agent" || opener.role.kind === "orchestrator")
    reservations.push({
      limit: "openTasksOfOpener",
      counter: `opener:${opener.name}:tasks`,
      max: opener.role.openTasks,
    });
  return reservations;
}

function reservationsOf(
  limits: TemplateLimits,
  { agent, task }: Counted,
  names: { readonly counter: string; readonly limit: string },
): readonly LimitReservation[] {
  const reservations: LimitReservation[] = [];
  const add = (name: keyof TemplateLimits, scope: string | null): void => {
    const max = limits[name];
    if (max === null || scope === null) return;
    const isPace = name === "mintsPerMinute" || name === "mintsPerMinutePerAgent";
    const counter = `${scope}${names.counter}`;
    const limit = `${names.limit}${name}`;
    reservations.push(
      isPace ? { limit, counter: `mints:${counter}`, max, perSeconds: minute } : { limit, counter, max },
    );
  };
  add("liveLeasesPerTask", task === null ? null : `task:${task.id}:`);
  add("liveLeasesPerTree", task === null ? null : `tree:${task.rootId}:`);
  add("liveLeasesPerAgent", `agent:${agent}:`);
  add("liveLeases", "");
  add("mintsPerMinutePerAgent", `agent:${agent}:`);
  add("mintsPerMinute", "");
  return reservations;
}
