/**
 * Drops what nobody can ask for any more, in pages: never a live lease, never a task that still has a lease or a
 * child, never a mark that still guards against a repeat, and never an audit entry.
 */
import type { LeaseStateKind } from "../../../domain/lease.ts";
import { maxSweepRows, tombstoneMillis } from "../../../kernel/limits.ts";
import type { Answer } from "../../../ports/ledger.ts";
import { integer, text, type SqlValue } from "../driver.ts";
import { isOrdered } from "../rows/kill-order-rows.ts";
import { uncount } from "../rows/tally-rows.ts";
import { selectTasks, type TaskRecord } from "../rows/task-rows.ts";
import { answer, type Tx } from "../tx.ts";

/** A task that cannot go yet is looked at again after this, or when the last thing that holds it goes. */
const retryMillis = 3_600_000;

export function purge(tx: Tx, limit: number): Answer<{ purged: number; more: boolean }, never> {
  const bound = Math.min(limit, maxSweepRows);
  let purged = 0;
  for (const step of [purgeReplays, purgeRates, purgeKeys, purgeLeases, purgeTasks]) {
    if (purged >= bound) break;
    purged += step(tx, bound - purged);
  }
  if (purged > 0) tx.touch();
  // Also below the bound: a parent that was looked at before its child went may go now.
  return answer({ purged, more: purged > 0 && hasMore(tx) }, tx.sequence());
}

/** A token's expiry is an instant of the world's clock: with the wall in doubt or behind, markers stay. */
const replayHorizon = (tx: Tx): number => (tx.clockSuspect ? 0 : Math.min(tx.now, tx.wall));

function purgeReplays(tx: Tx, limit: number): number {
  const where = "expires_at <= ? ORDER BY expires_at LIMIT ?";
  const rows = tx.sql.all(`SELECT issuer, token_id FROM replay WHERE ${where}`, replayHorizon(tx), limit);
  for (const row of rows) tx.sql.run("DELETE FROM replay WHERE issuer = ? AND token_id = ?", ...row);
  return rows.length;
}

function purgeRates(tx: Tx, limit: number): number {
  const rows = tx.sql.all("SELECT name FROM rate WHERE ends_at <= ? ORDER BY ends_at LIMIT ?", tx.now, limit);
  for (const row of rows) tx.sql.run("DELETE FROM rate WHERE name = ?", ...row);
  return rows.length;
}

function purgeKeys(tx: Tx, limit: number): number {
  const where = "expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?";
  const rows = tx.sql.all(`SELECT lease_key FROM idempotency WHERE ${where}`, tx.now, limit);
  for (const row of rows) tx.sql.run("DELETE FROM idempotency WHERE lease_key = ?", ...row);
  return rows.length;
}

function purgeLeases(tx: Tx, limit: number): number {
  const where = "due_at IS NULL AND state_at <= ? ORDER BY state_at LIMIT ?";
  const rows = tx.sql.all(`SELECT key, task_key, state FROM lease WHERE ${where}`, tx.now - tombstoneMillis, limit);
  for (const [key, taskKey, state] of rows) {
    dropLease(tx, integer(key));
    uncount(tx.sql, integer(taskKey), text(state) as LeaseStateKind);
    lookAgain(tx, integer(taskKey));
  }
  return rows.length;
}

function dropLease(tx: Tx, key: number): void {
  tx.sql.run("DELETE FROM idempotency WHERE lease_key = ?", key);
  tx.sql.run("DELETE FROM lease WHERE key = ?", key);
  tx.cache.leases.delete(key);
}

/** What held the task is gone: it may go with this purge. One that is open or ended too recently keeps its time. */
function lookAgain(tx: Tx, taskKey: SqlValue): void {
  tx.sql.run(
    "UPDATE task SET purge_at = ended_at + ? WHERE key = ? AND purge_at IS NOT NULL",
    tombstoneMillis,
    taskKey,
  );
}

function purgeTasks(tx: Tx, limit: number): number {
  let purged = 0;
  const where = "purge_at IS NOT NULL AND purge_at <= ? ORDER BY purge_at, key DESC LIMIT ?";
  for (const record of selectTasks(tx, where, tx.now, limit)) {
    if (isHeld(tx, record)) {
      tx.sql.run("UPDATE task SET purge_at = ? WHERE key = ?", tx.now + retryMillis, record.key);
      continue;
    }
    tx.sql.run("DELETE FROM task WHERE key = ?", record.key);
    tx.sql.run("DELETE FROM task_tally WHERE task_key = ?", record.key);
    tx.cache.tasks.delete(record.key);
    if (record.parentKey !== null) lookAgain(tx, record.parentKey);
    purged += 1;
  }
  return purged;
}

function isHeld(tx: Tx, { key, task }: TaskRecord): boolean {
  const held = tx.sql.get(
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM lease WHERE task_key = ?1) OR EXISTS (SELECT 1 FROM task WHERE parent_key = ?1)",
    key,
  );
  return held !== undefined || isOrdered(tx, `task:${task.id}`);
}

function hasMore(tx: Tx): boolean {
  const row = tx.sql.get(
    `SELECT EXISTS (SELECT 1 FROM replay WHERE expires_at <= ?1) OR EXISTS (SELECT 1 FROM rate WHERE ends_at <= ?2)
      OR EXISTS (SELECT 1 FROM idempotency WHERE expires_at IS NOT NULL AND expires_at <= ?2)
      OR EXISTS (SELECT 1 FROM lease WHERE due_at IS NULL AND state_at <= ?3)
      OR EXISTS (SELECT 1 FROM task WHERE purge_at IS NOT NULL AND purge_at <= ?2)`,
    replayHorizon(tx),
    tx.now,
    tx.now - tombstoneMillis,
  );
  return row !== undefined && integer(row[0]) === 1;
}
