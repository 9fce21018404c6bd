/**
 * The ledger of one node on node:sqlite: WAL, every commit on the disk before it is answered. Opening checks the path,
 * takes the lock of the one broker, looks at what the file is before it changes anything, and says what to do when it
 * cannot be used.
 */
import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import type { Clock } from "../../kernel/clock.ts";
import type { Entropy } from "../../kernel/entropy.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { startSqlCore, type SqlCore } from "../sql/core.ts";
import { releaseLostClaims } from "../sql/verbs/claim-verbs.ts";
import { createSqlLedger } from "../sql/ledger.ts";
import { readVersion } from "../sql/store-row.ts";
import { createBallast, type Ballast } from "./ballast.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { checkPath, createPrivate, syncFile, type LedgerPath } from "./ledger-path.ts";
import { createNodeDriver } from "./node-driver.ts";
import { existsFault, faultOfError, schemaFault, type OpenFault } from "./open-fault.ts";
import { prepareDatabase } from "./prepare-database.ts";
import { takeLock, type ProcessLock } from "./process-lock.ts";
import { createStore } from "./store.ts";

export interface OpenOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Told once that nothing can be committed any more; the process should end, and repair when it starts again. */
  readonly onFatal: (reason: string) => void;
  readonly entropy?: Entropy;
  /** Room kept for kills on a full disk. */
  readonly ballastBytes?: number;
  /** An upper bound on the database's pages (of 4 KiB): a full disk without a disk, for tests. */
  readonly maxPages?: number;
}

export interface SqliteLedger extends Ledger {
  /** Copies the ledger as it is now, while it works on. An existing file is not overwritten. */
  backup(file: string): Promise<Result<void, OpenFault>>;
  /** Makes due at once what an earlier process had claimed: the lock proves that it is gone. */
  releaseLostClaims(): Promise<void>;
}

const defaultBallastBytes = 8 * 1024 * 1024;
const nodeEntropy: Entropy = { bytes: (length) => randomBytes(length) };

export async function openSqliteLedger(options: OpenOptions): Promise<Result<SqliteLedger, OpenFault>> {
  const path = checkPath(options.file);
  if (!path.ok) return path;
  const lock = takeLock(path.value);
  if (!lock.ok) return lock;
  const { ballastBytes: bytes = defaultBallastBytes, entropy = nodeEntropy } = options;
  const ballast = createBallast({ file: path.value.ballast, bytes, entropy });
  const opened = openDatabase(path.value, options, ballast);
  if (opened.ok) return ok(assemble({ ...opened.value, path: path.value, lock: lock.value, ballast, options }));
  lock.value.release();
  return opened;
}

interface Opened {
  readonly db: DatabaseSync;
  readonly core: SqlCore;
  readonly isFull: boolean;
}

/** The room that was kept for kills lets a broker start on a full disk, so that it can kill. */
function openDatabase(path: LedgerPath, options: OpenOptions, ballast: Ballast): Result<Opened, OpenFault> {
  const first = tryOpen(path, options);
  if (first.ok) return ok({ ...first.value, isFull: !ballast.ensure() });
  if (first.fault.reason !== "disk_full") return first;
  ballast.release();
  const second = tryOpen(path, options);
  return second.ok ? ok({ ...second.value, isFull: true }) : second;
}

function tryOpen(path: LedgerPath, options: OpenOptions): Result<Omit<Opened, "isFull">, OpenFault> {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(path.file)) createPrivate(path.file);
    db = new DatabaseSync(path.file, { timeout: 0 });
    const sql = createNodeDriver(db);
    const version = readVersion(sql);
    if (version.ok) {
      prepareDatabase(db);
      if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
      db.exec("BEGIN IMMEDIATE");
      const core = startSqlCore({ sql, clock: options.clock });
      if (core.ok) {
        db.exec("COMMIT");
        return ok({ db, core: core.value });
      }
    }
    db.close();
    return err(schemaFault(path.file, version.ok ? { reason: "not_a_ledger" } : version.fault));
  } catch (error) {
    db?.close();
    return err(faultOfError(path.file, error));
  }
}

interface Assembly extends Opened {
  readonly path: LedgerPath;
  readonly lock: ProcessLock;
  readonly ballast: Ballast;
  readonly options: OpenOptions;
}

function assemble({ db, core, isFull, path, lock, ballast, options }: Assembly): SqliteLedger {
  const { clock, log, onFatal } = options;
  const store = createStore({ db, core, ballast, clock, log, isFull, onFatal });
  const queue = createCommitQueue((batch) => store.commit(batch));
  let isClosed = false;
  const verbs = createSqlLedger({
    submit: (submission) =>
      isClosed ? Promise.resolve({ kind: "unknown", reason: "stopped" }) : queue.submit(submission),
    view() {
      if (isClosed) throw new Error("the ledger is closed");
      return core.view();
    },
  });
  return {
    ...verbs,
    health: async () => core.health(store.condition()),
    onDue: (listener) => store.onDue(listener),
    backup: (file) => backup(path, file),
    async releaseLostClaims() {
      await queue.submit({ isKill: true, leaseId: null, run: releaseLostClaims });
    },
    async close() {
      if (isClosed) return;
      queue.drain();
      isClosed = true;
      store.stop();
      db.close();
      lock.release();
    },
  };
}

/**
 * Read through a connection of its own and in one go, on another thread: the copy is of one instant, commits go on
 * beside it, and none of them makes it start again.
 */
async function backup(path: LedgerPath, given: string): Promise<Result<void, OpenFault>> {
  const target = checkPath(given);
  if (!target.ok) return target;
  const { file, exists } = target.value;
  if (exists) return err(existsFault(file));
  const partial = `${file}.partial`;
  const source = new DatabaseSync(path.file, { readOnly: true });
  try {
    rmSync(partial, { force: true });
    createPrivate(partial);
    await copyDatabase(source, partial, { rate: allPages });
    syncFile(partial);
    if (existsSync(file)) return err(existsFault(file));
    renameSync(partial, file);
    return ok();
  } catch (error) {
    return err(faultOfError(file, error));
  } finally {
    source.close();
    rmSync(partial, { force: true });
  }
}

const allPages = 2 ** 31 - 1;
