/** A task from its hash. The texts were written by this engine from branded values; they are trusted back as such. */
import type { HeartbeatFrom, Task, TaskOutcome, TaskState } from "../../../domain/task.ts";
import { brand } from "../../../kernel/brand.ts";
import type { TaskId } from "../../../kernel/ids.ts";
import { seconds } from "../../../kernel/time.ts";
import type { OpenTask } from "../../../ports/ledger-commands.ts";
import { textOf, type Reply } from "../script.ts";
import { fieldsFrom, type Fields } from "./fields.ts";

/** What is set at opening and never changes, kept as one text that no script reads. */
type Frozen = Pick<Task, "opener" | "templates" | "context" | "purpose" | "ticket">;

export const frozenText = ({ opener, templates, context, purpose, ticket }: OpenTask["task"]): string =>
  JSON.stringify({ opener, templates, context, purpose, ticket } satisfies Frozen);

export interface TaskRow {
  readonly task: Task;
  readonly openedSequence: number;
  readonly endedSequence: number | null;
}

export function taskFrom(reply: readonly Reply[]): TaskRow {
  const [id, ...flat] = reply;
  const fields = fieldsFrom(flat);
  const frozen = JSON.parse(fields.text("fz")) as Frozen;
  return {
    task: {
      ...frozen,
      id: brand<TaskId>(textOf(id)),
      agent: brand(fields.text("ag")),
      parentId: fields.has("p") ? brand<TaskId>(fields.text("p")) : null,
      rootId: brand<TaskId>(fields.text("rt")),
      depth: fields.number("dp"),
      openedAt: fields.instant("o"),
      deadlineAt: fields.instant("d"),
      heartbeat: heartbeatFrom(fields),
      automatic: fields.has("au"),
      generation: fields.number("g"),
      state: stateFrom(fields),
    },
    openedSequence: fields.number("qo"),
    endedSequence: fields.optionalNumber("qe"),
  };
}

const heartbeatFrom = (fields: Fields): Task["heartbeat"] =>
  fields.has("hb")
    ? {
        everySeconds: seconds(fields.number("hb")),
        from: fields.text("hf") as HeartbeatFrom,
        dueAt: fields.instant("hd"),
      }
    : null;

const stateFrom = (fields: Fields): TaskState =>
  fields.has("x")
    ? {
        kind: "ended",
        outcome: fields.text("x") as TaskOutcome,
        reason: fields.optionalText("xr"),
        endedAt: fields.instant("xa"),
      }
    : { kind: "open" };
