/**
 * One open database and its commits: what a full disk, a failing disk and a failed COMMIT mean. After a COMMIT whose
 * outcome is not known nothing more is written; the process ends and the next start repairs.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../kernel/clock.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Log } from "../../ports/log.ts";
import type { SqlCore, StoreCondition } from "../sql/core.ts";
import type { Ballast } from "./ballast.ts";
import type { QueuedVerb } from "./commit-queue.ts";
import { losesTransaction, sqliteTrouble } from "./sqlite-errors.ts";

export interface StoreParts {
  readonly db: DatabaseSync;
  readonly core: SqlCore;
  readonly ballast: Ballast;
  readonly clock: Clock;
  readonly log: Log;
  /** The disk was full already when the store was opened. */
  readonly isFull: boolean;
  /** Called once, when nothing can be committed any more: the process should end. */
  readonly onFatal: (reason: string) => void;
}

export interface Store {
  condition(): StoreCondition;
  commit(batch: readonly QueuedVerb[]): void;
  onDue(listener: (dueAt: EpochMillis) => void): void;
  stop(): void;
}

/** Between two looks whether a full disk has room again: an attempt writes the whole ballast. */
const roomCheckMillis = 5_000;

/** How a transaction ended: `lost` was certainly not applied, `unsure` may have been. */
type Ending = "done" | "full" | "lost" | "unsure";

export function createStore(parts: StoreParts): Store {
  const { core } = parts;
  const listeners: ((dueAt: EpochMillis) => void)[] = [];
  const room = createRoom(parts);
  let isStopped = false;
  const condition = (): StoreCondition => (isStopped ? "stopped" : room.isFull() ? "disk_full" : null);

  function die(reason: string): void {
    if (isStopped) return;
    isStopped = true;
    parts.log.error("ledger_stopped", { reason });
    parts.onFatal(reason);
  }

  /** The room that was kept is for what ends credentials: the same verbs are tried once more under that rule. */
  function attempt(batch: readonly QueuedVerb[]): Ending {
    if (isStopped) return "lost";
    room.look();
    const ending = transact(parts, batch, condition());
    if (ending !== "full") return ending;
    room.giveBack();
    return transact(parts, batch, condition());
  }

  return {
    /** Whoever watches looks for room, too: traffic that was turned away until it is ready would never make a commit. */
    condition() {
      if (!isStopped) room.look();
      return condition();
    },
    commit(batch) {
      const ending = attempt(batch);
      if (ending === "unsure") die("a commit failed, and whether it was applied is not known");
      if (ending !== "done") {
        const reason = condition() ?? "disk_fault";
        for (const verb of batch) verb.unknown(reason);
        return;
      }
      const dueAt = core.committed();
      for (const verb of batch) verb.settle();
      if (dueAt !== null) for (const listener of listeners) listener(dueAt);
    },
    onDue: (listener) => void listeners.push(listener),
    stop() {
      isStopped = true;
    },
  };
}

function transact(parts: StoreParts, batch: readonly QueuedVerb[], condition: StoreCondition): Ending {
  const { db } = parts;
  try {
    fill(parts, batch, condition);
  } catch (error) {
    return undo(parts, error, "lost");
  }
  try {
    db.exec("COMMIT");
    return "done";
  } catch (error) {
    return undo(parts, error, "unsure");
  }
}

/**
 * The verbs without steps, for a step copies each page before it changes it. A verb throws only for a bug; then all is
 * taken back, and each runs anew in a step of its own, so that the bug harms no neighbour.
 */
function fill({ db, core }: StoreParts, batch: readonly QueuedVerb[], condition: StoreCondition): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    core.run(batch, condition);
  } catch (error) {
    if (losesTransaction(db, error)) throw error;
    db.exec("ROLLBACK");
    core.rolledBack();
    db.exec("BEGIN IMMEDIATE");
    core.runApart(batch, condition);
  }
}

/** A full disk refuses the write of a commit before its end is on the disk, so it is known not to be applied. */
function undo({ db, core, log }: StoreParts, error: unknown, otherwise: Ending): Ending {
  const trouble = sqliteTrouble(error);
  // The text of an error that is not SQLite's could hold anything.
  const detail = trouble !== undefined && error instanceof Error ? error.message : "";
  log.error("commit_failed", { trouble: trouble ?? "bug", detail });
  try {
    if (db.isTransaction) db.exec("ROLLBACK");
    core.rolledBack();
  } catch {
    return "unsure";
  }
  if (trouble === "full") return "full";
  return trouble === "corrupt" || trouble === undefined ? "unsure" : otherwise;
}

/** Whether the disk is full: from the moment the ballast was given back until there is room for it again. */
function createRoom({ db, ballast, clock, log, isFull: isFullAtStart }: StoreParts) {
  let isFull = isFullAtStart;
  let lookedAt = clock.monotonicMillis();
  if (isFull) keepLogShort(db, ballast);
  return {
    isFull: () => isFull,
    giveBack() {
      if (!isFull) {
        ballast.release();
        isFull = true;
        lookedAt = clock.monotonicMillis();
        log.error("disk_full", { issuing: "suspended" });
      }
      keepLogShort(db, ballast);
    },
    look() {
      if (!isFull || clock.monotonicMillis() - lookedAt < roomCheckMillis) return;
      lookedAt = clock.monotonicMillis();
      if (!ballast.ensure()) return;
      isFull = false;
      db.exec(`PRAGMA wal_autocheckpoint = ${normalLogPages}`);
      log.info("disk_has_room");
    },
  };
}

/** SQLite's own default: about 4 MiB between two moves of the log into the database. */
const normalLogPages = 1000;
const pageBytes = 4096;

/**
 * Moves the write-ahead log into the database and gives its space back, often from now on: a log that took all the
 * room that was kept could never be moved, because the database has to grow for that.
 */
function keepLogShort(db: DatabaseSync, ballast: Ballast): void {
  try {
    db.exec(`PRAGMA wal_autocheckpoint = ${Math.max(1, Math.floor(ballast.bytes / 4 / pageBytes))}`);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // No room for that either: the next attempt tells.
  }
}
