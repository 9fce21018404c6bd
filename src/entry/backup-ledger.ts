/**
 * `mayfly backup`: a copy of a ledger as it is at one instant, while a broker works on it. One read transaction, so
 * a busy writer cannot make it start again; free pages, where wiped secrets may have stood, are left out.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { checkPath, createPrivate } from "../engines/node-sqlite/ledger-path.ts";
import { createNodeDriver } from "../engines/node-sqlite/node-driver.ts";
import {
  existsFault,
  faultOfError,
  missingFault,
  schemaFault,
  type OpenFault,
} from "../engines/node-sqlite/open-fault.ts";
import { readVersion } from "../engines/sql/store-row.ts";
import { err, ok, type Result } from "../kernel/result.ts";

export interface Backup {
  readonly file: string;
  readonly bytes: number;
}

export function backupLedger(ledgerFile: string, given: string): Result<Backup, OpenFault> {
  const source = checkPath(ledgerFile);
  if (!source.ok) return source;
  if (!source.value.exists) return err(missingFault(source.value.file));
  const target = checkPath(given);
  if (!target.ok) return target;
  const { file, exists } = target.value;
  if (exists) return err(existsFault(file));
  const opened = openSource(source.value.file);
  if (!opened.ok) return opened;
  const partial = `${file}.partial`;
  try {
    copyInto(opened.value, partial);
    if (existsSync(file)) return err(existsFault(file));
    renameSync(partial, file);
    return ok({ file, bytes: statSync(file).size });
  } catch (error) {
    return err(faultOfError(file, error));
  } finally {
    opened.value.close();
    rmSync(partial, { force: true });
  }
}

function openSource(file: string): Result<DatabaseSync, OpenFault> {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: busyMillis });
    const version = readVersion(createNodeDriver(db));
    if (version.ok && version.value > 0) return ok(db);
    db.close();
    return err(schemaFault(file, version.ok ? { reason: "not_a_ledger" } : version.fault));
  } catch (error) {
    db?.close();
    return err(faultOfError(file, error));
  }
}

/** A broker holds its commits far shorter; longer is a fault worth telling. */
const busyMillis = 5_000;

function copyInto(db: DatabaseSync, partial: string): void {
  rmSync(partial, { force: true });
  createPrivate(partial);
  db.prepare("VACUUM INTO ?").run(partial);
  const descriptor = openSync(partial, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
