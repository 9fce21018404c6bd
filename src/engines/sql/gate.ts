/** The gate of a task or lease at this instant, from rows: the facts are gathered here, the judgement is the domain's. */
import { evaluateGate, type Gate } from "../../domain/gate.ts";
import { doorKeysOf } from "../../domain/scope.ts";
import type { Task } from "../../domain/task.ts";
import { isAnyClosed } from "./rows/door-rows.ts";
import { ancestorsOf, type TaskRecord } from "./rows/task-rows.ts";
import type { View } from "./tx.ts";

export const taskDoorKeys = (task: Pick<Task, "agent" | "opener">): readonly string[] =>
  doorKeysOf({ agent: task.agent, issuer: task.opener.issuer });

export const taskGate = (view: View, record: TaskRecord): Gate => gateBehind(view, record, taskDoorKeys(record.task));

/** `doorKeys` are those of the lease and of its task; the doors of ancestors are not inherited. */
export function gateBehind(view: View, record: TaskRecord, doorKeys: readonly string[]): Gate {
  const chain = record.parentKey === null ? [record] : [record, ...ancestorsOf(view, record)];
  const facts = {
    chain: chain.map((link) => link.task),
    doorsClosed: isAnyClosed(view, doorKeys),
    downtime: view.store.downtime,
    restoredGeneration: view.store.generation,
  };
  return evaluateGate(facts, view.now);
}
