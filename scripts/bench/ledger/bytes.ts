/**
 * What an outstanding lease costs on disk: its row and its entries in every index, in whole pages, against the bytes
 * of the row's own values. Rows are written by the verbs, because their updates are what loosens pages.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { systemClock } from "../../../src/entry/system-clock.ts";
import { addMillis } from "../../../src/kernel/time.ts";
import { createCommands, issueLeases, openTask } from "./commands.ts";
import { openLedger } from "./populate.ts";

export interface LeaseBytes {
  readonly diskBytes: number;
  readonly recordBytes: number;
  /** Of the audit entries of its issue, which stay when the lease is gone. */
  readonly auditBytes: number;
}

const dayMillis = 24 * 3600 * 1000;
const leasesPerTask = 100;

export async function measureBytes({ dir, leases }: { dir: string; leases: number }): Promise<LeaseBytes> {
  const file = join(dir, "bytes.db");
  const ledger = await openLedger(file);
  const commands = createCommands(systemClock);
  for (let done = 0; done < leases; done += leasesPerTask) {
    const taskId = await openTask(ledger, commands);
    const start = systemClock.now();
    const expiresAt = (index: number) => addMillis(start, dayMillis + done + index);
    await issueLeases(ledger, commands, { tasks: [taskId], count: leasesPerTask, expiresAt });
  }
  await ledger.close();
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return {
      diskBytes: sizeOf(db, "lease") / leases,
      recordBytes: recordBytes(db),
      auditBytes: sizeOf(db, "audit") / leases,
    };
  } finally {
    db.close();
  }
}

/** A table with its indexes: every page, used or not. */
function sizeOf(db: DatabaseSync, table: string): number {
  const row = db
    .prepare("SELECT sum(pgsize) AS size FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?)")
    .get(table);
  return Number(row?.["size"]);
}

/** The values of one row as SQLite writes them, its key included: what a file with nothing but records would hold. */
function recordBytes(db: DatabaseSync): number {
  const row = db
    .prepare("SELECT sum(payload) * 1.0 / sum(ncell) AS bytes FROM dbstat WHERE name = 'lease' AND pagetype = 'leaf'")
    .get();
  const keyBytes = 8;
  return Number(row?.["bytes"]) + keyBytes;
}
