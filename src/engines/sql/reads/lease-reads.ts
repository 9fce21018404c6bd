/** Reading tasks and leases. Reading changes nothing, and no page costs more than the page. */
import type { Lease } from "../../../domain/lease.ts";
import type { Fingerprint } from "../../../kernel/digest.ts";
import { keyOfId, type LeaseId, type TaskId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { LeaseView, TaskView } from "../../../ports/ledger-views.ts";
import { gateBehind, taskGate } from "../gate.ts";
import { findLease, selectLeases, type LeaseRecord } from "../rows/lease-rows.ts";
import { ancestorsOf, findTask, taskOfKey } from "../rows/task-rows.ts";
import type { View } from "../tx.ts";
import { subtreeKeys, withSubtree } from "./subtree.ts";

export function readTask(view: View, taskId: TaskId): TaskView | undefined {
  const record = findTask(view, taskId);
  if (record === undefined) return undefined;
  const ancestors = ancestorsOf(view, record).map((ancestor) => ancestor.task);
  return { task: record.task, gate: taskGate(view, record), ancestors };
}

export function readLease(view: View, leaseId: LeaseId): LeaseView | undefined {
  const record = findLease(view, leaseId);
  return record === undefined ? undefined : viewOf(view, record);
}

/** The index holds the first letters only: enough to find, and a third of the bytes. */
export function findByFingerprint(view: View, fingerprint: Fingerprint): LeaseView | undefined {
  const where = `lease.fingerprint IS NOT NULL AND substr(lease.fingerprint, 1, 8) = substr(?1, 1, 8)
    AND lease.fingerprint = ?1 LIMIT 1`;
  const record = selectLeases(view, where, fingerprint)[0];
  return record === undefined ? undefined : viewOf(view, record);
}

function viewOf(view: View, record: LeaseRecord): LeaseView {
  const task = taskOfKey(view, record.taskKey);
  if (task === undefined) throw new Error("a lease outlived its task");
  return { lease: record.lease, gate: gateBehind(view, task, record.standing.doorKeys), task: task.task };
}

interface Page {
  readonly after: LeaseId | null;
  readonly limit: number;
}

export function listLeases(view: View, query: Page & { readonly taskId: TaskId }): readonly Lease[] {
  const record = findTask(view, query.taskId);
  if (record === undefined) return [];
  const limit = Math.min(query.limit, maxPageSize);
  const after = query.after === null ? 0 : keyOfId(query.after);
  const tasks = subtreeKeys(view, record.key);
  if (tasks.length > fewTasks) return leasesOfKeys(view, leaseKeysOfTree(view, { rootKey: record.key, after, limit }));
  const keys = tasks.flatMap((taskKey) => leaseKeysOf(view, { taskKey, after, limit }));
  return leasesOfKeys(view, keys.sort((left, right) => left - right).slice(0, limit));
}

/**
 * Few tasks may hold very many leases, of which a page each is enough; of many tasks most hold few, and asking for
 * each would hold up everything else for as long as it takes.
 */
const fewTasks = 64;

function leaseKeysOfTree(view: View, query: { rootKey: number; after: number; limit: number }): readonly number[] {
  const sql = `${withSubtree} SELECT lease.key FROM subtree CROSS JOIN lease ON lease.task_key = subtree.key
    WHERE lease.key > ?2 ORDER BY lease.key LIMIT ?3`;
  return view.sql.all(sql, query.rootKey, query.after, query.limit).map(([key]) => Number(key));
}

function leaseKeysOf(view: View, query: { taskKey: number; after: number; limit: number }): readonly number[] {
  const { taskKey, after, limit } = query;
  const sql = "SELECT key FROM lease WHERE task_key = ? AND key > ? ORDER BY key LIMIT ?";
  return view.sql.all(sql, taskKey, after, limit).map(([key]) => Number(key));
}

const leasesOfKeys = (view: View, keys: readonly number[]): readonly Lease[] =>
  keys.flatMap((key) => selectLeases(view, "lease.key = ?", key)).map((record) => record.lease);

export function listStuck(view: View, query: Page): readonly Lease[] {
  const after = query.after === null ? 0 : keyOfId(query.after);
  const where = "lease.state = 'stuck' AND lease.key > ? ORDER BY lease.key LIMIT ?";
  return selectLeases(view, where, after, Math.min(query.limit, maxPageSize)).map((record) => record.lease);
}
