/**
 * One broker a ledger: a second SQLite file held in an exclusive transaction for the process's life. The kernel frees
 * it on SIGKILL, which a file with a process id in it would not survive. The file must never be opened otherwise in
 * this process: closing any other descriptor of it would drop the lock (POSIX fcntl).
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { err, ok, type Result } from "../../kernel/result.ts";
import { createPrivate, type LedgerPath } from "./ledger-path.ts";
import { faultOfError, type OpenFault } from "./open-fault.ts";

export interface ProcessLock {
  release(): void;
}

export function takeLock(path: LedgerPath): Result<ProcessLock, OpenFault> {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(path.lock)) createPrivate(path.lock);
    db = new DatabaseSync(path.lock, { timeout: 0 });
    // Nothing is ever written; a journal on the disk would only keep a broker from starting on a full one.
    db.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    const held = db;
    return ok({ release: () => held.close() });
  } catch (error) {
    db?.close();
    return err(faultOfError(path.file, error));
  }
}
