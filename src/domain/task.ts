/** The unit of work that owns credentials. Its gate is derived (gate.ts), never stored. */
import type { JsonObject } from "../kernel/canonical-json.ts";
import type { TaskId } from "../kernel/ids.ts";
import type { EpochMillis, Seconds } from "../kernel/time.ts";
import type { Principal } from "./identity.ts";
import type { AgentName, TemplateName } from "./names.ts";

export interface Task {
  readonly id: TaskId;
  readonly agent: AgentName;
  readonly opener: Opener;
  readonly parentId: TaskId | null;
  readonly rootId: TaskId;
  /** 1 for a root; at most `maxTaskDepth`. */
  readonly depth: number;
  /** What the task may ask for. Empty only for a task opened by the exchange itself. */
  readonly templates: readonly TaskTemplate[];
  /** Set when opened, frozen since; visible to policy conditions as `task.context`. */
  readonly context: JsonObject;
  readonly purpose: string | null;
  readonly ticket: string | null;
  readonly openedAt: EpochMillis;
  readonly deadlineAt: EpochMillis;
  readonly heartbeat: Heartbeat | null;
  /** Opened by an exchange without `task_id`: ends with its only credential. */
  readonly automatic: boolean;
  /** The store's generation at opening; a restore closes every older one. */
  readonly generation: number;
  readonly state: TaskState;
}

export interface Opener extends Principal {
  readonly agent: AgentName;
}

export interface TaskTemplate {
  readonly template: TemplateName;
  /** Parameters that every exchange of this task must repeat or leave out. */
  readonly parameters: JsonObject;
}

export interface Heartbeat {
  readonly everySeconds: Seconds;
  readonly from: HeartbeatFrom;
  readonly dueAt: EpochMillis;
}

export type HeartbeatFrom = "agent" | "orchestrator" | "both";

export type TaskState =
  | { readonly kind: "open" }
  | {
      readonly kind: "ended";
      readonly outcome: TaskOutcome;
      readonly reason: string | null;
      readonly endedAt: EpochMillis;
    };

/** The first three are what a caller may say; the rest is what the broker found. */
export type TaskOutcome = EndOutcome | "deadline" | "heartbeat_lost" | "parent_ended" | "killed" | "credential_ended";
export type EndOutcome = "completed" | "failed" | "cancelled";
