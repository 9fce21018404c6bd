/** The ledger file: usable, of a schema that this version knows, and whether a broker holds it. Writes nothing. */
import { access, constants } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { checkPath, type LedgerPath } from "../../engines/node-sqlite/ledger-path.ts";
import { createNodeDriver } from "../../engines/node-sqlite/node-driver.ts";
import { faultOfError, schemaFault, type OpenFault } from "../../engines/node-sqlite/open-fault.ts";
import { takeLock } from "../../engines/node-sqlite/process-lock.ts";
import type { SqlDriver } from "../../engines/sql/driver.ts";
import { sealedKeyIds } from "../../engines/sql/reads/audit-reads.ts";
import { listProviderNotes } from "../../engines/sql/rows/provider-rows.ts";
import { readVersion } from "../../engines/sql/store-row.ts";
import { compareSeals, sealsCheck } from "./compare-seals.ts";
import { fail, fine, warn, type Finding, type LedgerFindings } from "./finding.ts";

const check = "ledger";
const refused = ({ message, fix }: OpenFault): Finding => fail(check, message, fix);

/** `sealingKeys` are the ids of the ring; null without a usable one. */
export async function checkLedger(file: string, sealingKeys: readonly string[] | null): Promise<LedgerFindings> {
  const path = checkPath(file);
  // The data folder is made at the start; its own parent is what counts then.
  if (!path.ok) return only(path.fault.reason === "no_parent" ? await checkFutureFolder(file) : refused(path.fault));
  const { value } = path;
  const writable = await mayWrite(value.exists ? value.file : dirname(value.file));
  if (!writable)
    return only(fail(check, `${value.file} cannot be written`, "give this user write access to it and to its folder"));
  if (!value.exists) return only(fine(check, `${value.file} does not exist yet; the start makes it`));
  const schema = checkSchema(value.file);
  if (schema !== null) return only(schema);
  return { findings: [checkHolder(value), checkSeals(value.file, sealingKeys)], notes: readNotes(value.file) };
}

const only = (finding: Finding): LedgerFindings => ({ findings: [finding], notes: null });

async function checkFutureFolder(file: string): Promise<Finding> {
  let folder = dirname(file);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const fix = "make the folder yourself, for the broker's user";
  return (await mayWrite(folder))
    ? fine(check, `${file} does not exist yet`)
    : fail(check, `${folder} cannot be written`, fix);
}

async function mayWrite(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function checkSchema(file: string): Finding | null {
  try {
    return readOnly(file, (sql) => {
      const version = readVersion(sql);
      return version.ok ? null : refused(schemaFault(file, version.fault));
    });
  } catch (error) {
    return refused(faultOfError(file, error));
  }
}

/** The start refuses a ring without them. What a running broker holds is read beside it, as a backup reads it. */
function checkSeals(file: string, sealingKeys: readonly string[] | null): Finding {
  if (sealingKeys === null) return compareSeals([], null);
  try {
    return readOnly(file, (sql) => {
      const version = readVersion(sql);
      const needed = version.ok && version.value > 0 ? sealedKeyIds({ sql }) : [];
      return compareSeals(needed, sealingKeys);
    });
  } catch {
    const fix = "stop the broker that uses the ledger and ask again, or trust its start, which compared them";
    return warn(sealsCheck, "could not be read beside a running broker, so the ring was not compared with them", fix);
  }
}

/** Null where they cannot be read, or the file is of an earlier release that kept none. */
function readNotes(file: string): LedgerFindings["notes"] {
  try {
    return readOnly(file, (sql) => listProviderNotes({ sql }));
  } catch {
    return null;
  }
}

function readOnly<T>(file: string, read: (sql: SqlDriver) => T): T {
  const db = new DatabaseSync(existsSync(`${file}-wal`) ? file : untouched(file), { readOnly: true });
  try {
    return read(createNodeDriver(db));
  } finally {
    db.close();
  }
}

/** Without a log beside it the file is at rest: read as it lies, or SQLite would leave files of its own beside it. */
function untouched(file: string): URL {
  const url = pathToFileURL(file);
  url.searchParams.set("immutable", "1");
  return url;
}

function checkHolder(path: LedgerPath): Finding {
  if (!existsSync(path.lock)) return fine(check, `${path.file} is usable`);
  const lock = takeLock(path);
  if (lock.ok) {
    lock.value.release();
    return fine(check, `${path.file} is usable, and no broker holds it`);
  }
  return lock.fault.reason === "locked" ? fine(check, `${path.file} is held by a running broker`) : refused(lock.fault);
}
