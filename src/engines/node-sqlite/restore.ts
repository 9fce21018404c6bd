/**
 * Puts a backup in the place of a ledger. The world went on without the backup, so in the copy every task ends, every
 * lease dies and issuing waits until that is done; what the replaced ledger knew of closed doors and used tokens is
 * carried over, and the replaced file is kept: it names credentials that the backup does not know.
 */
import { copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../kernel/clock.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { startSqlCore } from "../sql/core.ts";
import { integer } from "../sql/driver.ts";
import { readStore, readVersion } from "../sql/store-row.ts";
import { brokerCause } from "../sql/tx.ts";
import { restoreStore } from "../sql/verbs/restore-store.ts";
import { checkPath, createPrivate, syncFile, type LedgerPath } from "./ledger-path.ts";
import { createNodeDriver } from "./node-driver.ts";
import { existsFault, faultOfError, missingFault, schemaFault, type OpenFault } from "./open-fault.ts";
import { takeLock } from "./process-lock.ts";

export interface RestoreOptions {
  /** The backup. */
  readonly from: string;
  /** The ledger that it becomes; refused while a broker uses it. */
  readonly to: string;
  readonly clock: Clock;
}

export interface Restored {
  readonly generation: number;
  /** Where the replaced ledger was put, null if there was none. */
  readonly replaced: string | null;
}

export function restoreSqliteLedger(options: RestoreOptions): Result<Restored, OpenFault> {
  const from = checkPath(options.from);
  if (!from.ok) return from;
  if (!from.value.exists) return err(missingFault(from.value.file));
  const to = checkPath(options.to);
  if (!to.ok) return to;
  if (from.value.file === to.value.file) return err(existsFault(to.value.file));
  const lock = takeLock(to.value);
  if (!lock.ok) return lock;
  // A live ledger is no backup: its newest commits are in files beside it, and change while they are copied.
  const source = existsSync(from.value.lock) ? takeLock(from.value) : null;
  try {
    if (source !== null && !source.ok) return source;
    return replace(from.value, to.value, options.clock);
  } catch (error) {
    return err(faultOfError(to.value.file, error));
  } finally {
    if (source?.ok === true) source.value.release();
    lock.value.release();
  }
}

function replace(from: LedgerPath, to: LedgerPath, clock: Clock): Result<Restored, OpenFault> {
  const copy = `${to.file}-restoring`;
  removeDatabase(copy);
  try {
    createPrivate(copy);
    copyFileSync(from.file, copy);
    if (existsSync(`${from.file}-wal`)) copyFileSync(`${from.file}-wal`, `${copy}-wal`);
    const old = to.exists ? readGeneration(to.file) : 0;
    const replaced = to.exists ? `${to.file}-before-restore-${old}` : null;
    if (replaced !== null && existsSync(replaced)) return err(existsFault(replaced));
    const prepared = prepareCopy({ copy, from, to, clock, replacedGeneration: old });
    if (!prepared.ok) return prepared;
    if (replaced !== null) moveDatabase(to.file, replaced);
    renameSync(copy, to.file);
    syncFile(dirname(to.file));
    return ok({ generation: prepared.value, replaced });
  } finally {
    removeDatabase(copy);
  }
}

interface Preparation {
  readonly copy: string;
  readonly from: LedgerPath;
  readonly to: LedgerPath;
  readonly clock: Clock;
  readonly replacedGeneration: number;
}

function prepareCopy({ copy, from, to, clock, replacedGeneration }: Preparation): Result<number, OpenFault> {
  const db = new DatabaseSync(copy, { timeout: 0 });
  try {
    const sql = createNodeDriver(db);
    const version = readVersion(sql);
    if (!version.ok) return err(schemaFault(from.file, version.fault));
    if (version.value === 0) return err(schemaFault(from.file, { reason: "not_a_ledger" }));
    const check = sql.get("PRAGMA quick_check(1)")?.[0];
    if (check !== "ok") throw Object.assign(new Error("damaged"), { errcode: 11 });
    if (replacedGeneration > 0) carryOver(db, to.file);
    db.exec("BEGIN IMMEDIATE");
    const core = startSqlCore({ sql, clock });
    if (!core.ok) return err(schemaFault(from.file, core.fault));
    let generation = 0;
    const verb = {
      run: (tx: Parameters<typeof restoreStore>[0]) => {
        const answer = restoreStore(tx, { replacedGeneration, cause: brokerCause });
        if (answer.kind === "ok") generation = answer.value.generation;
      },
      threw(error: unknown) {
        throw error;
      },
    };
    core.value.run([verb], null);
    db.exec("COMMIT");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return ok(generation);
  } catch (error) {
    return err(faultOfError(from.file, error));
  } finally {
    db.close();
    syncFile(copy);
  }
}

/** A door that was closed, and a token that was used, after the backup stay so. */
function carryOver(db: DatabaseSync, replaced: string): void {
  db.exec(`ATTACH '${replaced.replaceAll("'", "''")}' AS replaced`);
  db.exec("INSERT OR IGNORE INTO door SELECT * FROM replaced.door");
  // By name: the backup may be of an older version.
  const used = "issuer, token_id, request_digest, expires_at";
  db.exec(`INSERT OR IGNORE INTO replay (${used}) SELECT ${used} FROM replaced.replay`);
  db.exec("DETACH replaced");
}

/** 0 for a file that cannot be read as a ledger of this version: a damaged one is why backups are restored. */
function readGeneration(file: string): number {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    const sql = createNodeDriver(db);
    const version = readVersion(sql);
    if (!version.ok || version.value === 0) return 0;
    integer(sql.get("SELECT count(*) FROM door")?.[0]);
    return readStore(sql).facts.generation;
  } catch {
    return 0;
  } finally {
    db?.close();
  }
}

const besides = ["", "-wal", "-shm"];

function moveDatabase(from: string, to: string): void {
  for (const suffix of besides) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
}

function removeDatabase(file: string): void {
  for (const suffix of besides) rmSync(file + suffix, { force: true });
}
