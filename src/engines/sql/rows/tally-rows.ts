/**
 * How many leases of a task are in each state, so that a report over a hundred thousand leases costs a few rows. Changes
 * gather in memory while a commit runs and are written once a task and commit.
 */
import type { LeaseStateKind } from "../../../domain/lease.ts";
import { integer, type SqlDriver, type SqlRow } from "../driver.ts";

const states: readonly LeaseStateKind[] = [
  "intended",
  "active",
  "revoking",
  "stuck",
  "revoked",
  "expired",
  "mint_failed",
];
export type StateCounts = Record<LeaseStateKind, number>;

/** A lease of a task came from a state (null: it is new) to another. */
export interface Move {
  readonly taskKey: number;
  readonly from: LeaseStateKind | null;
  readonly to: LeaseStateKind;
}

export interface TaskTallies {
  add(moves: readonly Move[]): void;
  write(sql: SqlDriver): void;
  clear(): void;
}

export const noCounts = (): StateCounts => ({
  intended: 0,
  active: 0,
  revoking: 0,
  stuck: 0,
  revoked: 0,
  expired: 0,
  mint_failed: 0,
});

export function createTaskTallies(): TaskTallies {
  const changes = new Map<number, StateCounts>();
  return {
    add(moves) {
      for (const { taskKey, from, to } of moves) {
        const counts = changes.get(taskKey) ?? noCounts();
        if (from !== null) counts[from] -= 1;
        counts[to] += 1;
        changes.set(taskKey, counts);
      }
    },
    write(sql) {
      for (const [taskKey, counts] of changes) sql.run(upsert, taskKey, ...states.map((state) => counts[state]));
      changes.clear();
    },
    clear: () => changes.clear(),
  };
}

const upsert = `INSERT INTO task_tally (task_key, ${states.join(", ")}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (task_key) DO UPDATE SET ${states.map((state) => `${state} = ${state} + excluded.${state}`).join(", ")}`;

/** A purged lease is counted no more. At once, because its task may be purged in the same commit. */
export function uncount(sql: SqlDriver, taskKey: number, state: LeaseStateKind): void {
  sql.run(`UPDATE task_tally SET ${state} = ${state} - 1 WHERE task_key = ?`, taskKey);
}

/** The sums to select, in the order that `countsFromRow` reads. */
export const tallySums = states.map((state) => `coalesce(sum(task_tally.${state}), 0)`).join(", ");

export function countsFromRow(row: SqlRow | undefined): StateCounts {
  const counts = noCounts();
  for (const [index, state] of states.entries()) counts[state] = integer(row?.[index]);
  return counts;
}
