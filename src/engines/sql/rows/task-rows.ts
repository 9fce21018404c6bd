/** Tasks as rows. What is frozen at opening is one JSON text; what changes has columns. */
import type { IssuerName } from "../../../domain/names.ts";
import { lapseOf } from "../../../domain/gate.ts";
import type { Task, TaskOutcome, TaskState } from "../../../domain/task.ts";
import { brand } from "../../../kernel/brand.ts";
import { keyOfId, tagOfId, taskIdOf, type TaskId } from "../../../kernel/ids.ts";
import { tombstoneMillis } from "../../../kernel/limits.ts";
import { addMillis, epochMillis, type EpochMillis } from "../../../kernel/time.ts";
import { integer, integerOrNull, text, textOrNull, type SqlRow } from "../driver.ts";
import type { Tx, View } from "../tx.ts";

export interface TaskRecord {
  readonly task: Task;
  readonly key: number;
  readonly parentKey: number | null;
  /** Keys of the limits on open tasks that it counts against, given back when its end is written. */
  readonly counters: readonly number[];
  readonly openedSequence: number;
  readonly endedSequence: number | null;
}

type Frozen = Pick<
  Task,
  "opener" | "parentId" | "rootId" | "templates" | "context" | "purpose" | "ticket" | "automatic"
> & {
  readonly heartbeat: Omit<NonNullable<Task["heartbeat"]>, "dueAt"> | null;
  /** Left out where there are none. */
  readonly counters?: readonly number[];
};

const columns = `key, tag, parent_key, depth, agent, frozen, opened_at, deadline_at, heartbeat_due_at, generation,
  outcome, reason, ended_at, opened_sequence, ended_sequence`;

function taskFromRow(row: SqlRow): TaskRecord {
  const [key, tag, parentKey, depth, agent, frozenText, openedAt, deadlineAt, heartbeatDueAt, generation, ...rest] =
    row;
  const [outcome, reason, endedAt, openedSequence, endedSequence] = rest;
  const { heartbeat, counters = [], ...frozen } = JSON.parse(text(frozenText)) as Frozen;
  const state: TaskState =
    outcome === null
      ? { kind: "open" }
      : {
          kind: "ended",
          outcome: text(outcome) as TaskOutcome,
          reason: textOrNull(reason),
          endedAt: epochMillis(integer(endedAt)),
        };
  return {
    task: {
      ...frozen,
      id: taskIdOf(integer(key), text(tag)),
      agent: brand(text(agent)),
      depth: integer(depth),
      openedAt: epochMillis(integer(openedAt)),
      deadlineAt: epochMillis(integer(deadlineAt)),
      heartbeat: heartbeat === null ? null : { ...heartbeat, dueAt: epochMillis(integer(heartbeatDueAt)) },
      generation: integer(generation),
      state,
    },
    key: integer(key),
    parentKey: integerOrNull(parentKey),
    counters,
    openedSequence: integer(openedSequence),
    endedSequence: integerOrNull(endedSequence),
  };
}

export function taskOfKey(view: View, key: number): TaskRecord | undefined {
  const cached = view.cache.tasks.get(key);
  if (cached !== undefined) return cached;
  const row = view.sql.get(`SELECT ${columns} FROM task WHERE key = ?`, key);
  if (row === undefined) return undefined;
  const record = taskFromRow(row);
  view.cache.tasks.set(key, record);
  return record;
}

export function findTask(view: View, id: TaskId): TaskRecord | undefined {
  const record = taskOfKey(view, keyOfId(id));
  return record?.task.id === id ? record : undefined;
}

/** The tasks above, the parent first. */
export function ancestorsOf(view: View, record: TaskRecord): readonly TaskRecord[] {
  const chain: TaskRecord[] = [];
  for (let key = record.parentKey; key !== null;) {
    const parent = taskOfKey(view, key);
    if (parent === undefined) throw new Error("a task names a parent that is missing");
    chain.push(parent);
    key = parent.parentKey;
  }
  return chain;
}

export function selectTasks(view: View, where: string, ...values: readonly (string | number)[]): readonly TaskRecord[] {
  return view.sql.all(`SELECT ${columns} FROM task WHERE ${where}`, ...values).map(taskFromRow);
}

export function insertTask(view: View, record: TaskRecord): void {
  const { task, key, parentKey, counters, openedSequence } = record;
  const { opener, parentId, rootId, templates, context, purpose, ticket, automatic } = task;
  const heartbeat =
    task.heartbeat === null ? null : { everySeconds: task.heartbeat.everySeconds, from: task.heartbeat.from };
  const facts = { opener, parentId, rootId, templates, context, purpose, ticket, automatic, heartbeat };
  const frozen: Frozen = counters.length === 0 ? facts : { ...facts, counters };
  view.sql.run(
    `INSERT INTO task (key, tag, parent_key, depth, agent, issuer, frozen, opened_at, deadline_at, heartbeat_due_at,
      generation, closes_at, opened_sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    tagOfId(task.id),
    parentKey,
    task.depth,
    task.agent,
    opener.issuer satisfies IssuerName,
    JSON.stringify(frozen),
    task.openedAt,
    task.deadlineAt,
    task.heartbeat?.dueAt ?? null,
    task.generation,
    closesAt(task),
    openedSequence,
  );
  view.cache.tasks.set(key, record);
}

/** When an open task lapses by itself, any grace of a downtime apart: the sweeper looks then, and decides then. */
export const closesAt = (task: Task): EpochMillis => lapseOf(task, null).at;

export function storeHeartbeat(tx: Tx, record: TaskRecord, dueAt: EpochMillis): TaskRecord {
  const { task, key } = record;
  if (task.heartbeat === null) return record;
  const next = { ...record, task: { ...task, heartbeat: { ...task.heartbeat, dueAt } } };
  tx.sql.run("UPDATE task SET heartbeat_due_at = ?, closes_at = ? WHERE key = ?", dueAt, closesAt(next.task), key);
  tx.cache.tasks.set(key, next);
  tx.due(closesAt(next.task));
  return next;
}

export type EndedState = Extract<TaskState, { kind: "ended" }>;

export function storeEnd(view: View, record: TaskRecord, state: EndedState, endedSequence: number): TaskRecord {
  const next: TaskRecord = { ...record, task: { ...record.task, state }, endedSequence };
  view.sql.run(
    `UPDATE task SET closes_at = NULL, outcome = ?, reason = ?, ended_at = ?, purge_at = ?, ended_sequence = ?
     WHERE key = ? AND outcome IS NULL`,
    state.outcome,
    state.reason,
    state.endedAt,
    addMillis(state.endedAt, tombstoneMillis),
    endedSequence,
    record.key,
  );
  view.cache.tasks.set(record.key, next);
  return next;
}
