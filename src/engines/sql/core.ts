/**
 * The engine without its transactions: runs verbs inside a transaction that the adapter opened, and keeps what must not
 * be read back for every verb. The adapter says `committed` or `rolledBack`; after the latter everything kept here is
 * taken from the store again.
 */
import { downtimeAtStart } from "../../domain/gate.ts";
import type { Clock } from "../../kernel/clock.ts";
import { ok, type Result } from "../../kernel/result.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { LedgerHealth, SuspendReason } from "../../ports/ledger-views.ts";
import { createAuditTrail, lastAuditAt, type AuditTrail } from "./audit-trail.ts";
import { createCache, type Cache } from "./cache.ts";
import type { SqlDriver } from "./driver.ts";
import { createLedgerClock, type LedgerClock } from "./ledger-clock.ts";
import { createTaskTallies, type Move, type TaskTallies } from "./rows/tally-rows.ts";
import { migrate, readStore, writeStore, type SchemaFault } from "./store-row.ts";
import { brokerCause, type StoreFacts, type Tally, type Tx, type View } from "./tx.ts";

/** One verb of a commit. It keeps its answer until the commit is durable. */
export interface Verb {
  run(tx: Tx): void;
  /** It threw: a bug. Its own changes are undone. */
  threw(error: unknown): void;
}

/** What the adapter knows of its store: issuing stops while it is full, everything after it stopped. */
export type StoreCondition = Extract<SuspendReason, "disk_full" | "stopped"> | null;

export interface SqlCore {
  /** Throws where a verb does, which is a bug of that verb: the adapter takes all of it back and runs them apart. */
  run(verbs: readonly Verb[], condition: StoreCondition): void;
  /** Each verb in a step of its own, which costs more: one that throws harms no neighbour. */
  runApart(verbs: readonly Verb[], condition: StoreCondition): void;
  /** Answers the earliest instant at which something of the commit falls due. */
  committed(): EpochMillis | null;
  rolledBack(): void;
  view(): View;
  health(condition: StoreCondition): LedgerHealth;
}

/**
 * Since when nobody could have reached the store, asked at its start; null where it was not away. An adapter whose
 * process ends only by a crash or a stop takes the last commit that changed anything.
 */
export type AwaySince = (sql: SqlDriver, lastChangeAt: EpochMillis | null) => EpochMillis | null;

/** Migrates, recovers the clock and notes the downtime. Inside a transaction that the adapter commits. */
export function startSqlCore(options: {
  sql: SqlDriver;
  clock: Clock;
  awaySince?: AwaySince;
}): Result<SqlCore, SchemaFault> {
  const { sql, awaySince = (_, lastChangeAt) => lastChangeAt } = options;
  const migrated = migrate(sql);
  if (!migrated.ok) return migrated;
  const stored = readStore(sql);
  const time = createLedgerClock(options.clock, Math.max(stored.committedAt, lastAuditAt(sql)));
  const { committedAt, facts } = stored;
  const changedAt = committedAt === 0 ? null : epochMillis(committedAt);
  const downtime = downtimeAtStart(facts.downtime, awaySince(sql, changedAt), time.now());
  writeStore(sql, { ...stored, facts: { ...facts, downtime } });
  return ok(createCore(sql, time));
}

/** What one commit gathers, and what of the store is kept between commits. */
interface Books {
  facts: StoreFacts;
  tally: Tally;
  committedAt: number;
  /** Something changed: the commit's instant counts. */
  isTouched: boolean;
  dueAt: EpochMillis | null;
  /** The present step of the clock is in the audit. */
  isStepTold: boolean;
}

interface CoreParts {
  readonly sql: SqlDriver;
  readonly time: LedgerClock;
  readonly trail: AuditTrail;
  readonly cache: Cache;
  readonly books: Books;
  readonly tallies: TaskTallies;
  /** Moves of the verb that runs; they count when it has not thrown. */
  readonly moves: Move[];
}

function createCore(sql: SqlDriver, time: LedgerClock): SqlCore {
  const books: Books = { ...readKept(sql), isTouched: false, dueAt: null, isStepTold: false };
  const kept = { cache: createCache(), trail: createAuditTrail(sql), tallies: createTaskTallies(), moves: [] };
  const parts: CoreParts = { sql, time, books, ...kept };
  const { cache, trail, tallies } = parts;
  trail.reload();
  return {
    run: (verbs, condition) =>
      fill(parts, condition, (tx) => {
        for (const verb of verbs) verb.run(tx);
        tallies.add(parts.moves.splice(0));
      }),
    runApart: (verbs, condition) =>
      fill(parts, condition, (tx) => {
        for (const verb of verbs) runApart(parts, tx, verb);
      }),
    committed: () => books.dueAt,
    rolledBack() {
      Object.assign(books, readKept(sql), { isStepTold: false });
      trail.reload();
      tallies.clear();
      cache.clear();
      parts.moves.length = 0;
    },
    view: () => ({ sql, cache, now: time.now(), store: books.facts }),
    health: (condition) => ({
      now: time.now(),
      generation: books.facts.generation,
      suspended: suspension(books, condition, time.isSuspect()),
      counts: { ...books.tally },
    }),
  };
}

/** One commit: what the verbs change, and what is written once for all of them. */
function fill(parts: CoreParts, condition: StoreCondition, run: (tx: Tx) => void): void {
  const { books, sql, tallies } = parts;
  books.isTouched = false;
  books.dueAt = null;
  const tx = openTx(parts, condition);
  run(tx);
  if (!books.isTouched) return;
  tellStep(books, tx);
  books.committedAt = tx.now;
  tallies.write(sql);
  writeStore(sql, books);
}

function readKept(sql: SqlDriver): Pick<Books, "facts" | "tally" | "committedAt"> {
  const { facts, tally, committedAt } = readStore(sql);
  return { facts, tally: { ...tally }, committedAt };
}

const suspension = (books: Books, condition: StoreCondition, clockSuspect: boolean): SuspendReason | null =>
  condition ?? (books.facts.restoring ? "restoring" : clockSuspect ? "clock_suspect" : null);

function openTx({ sql, cache, time, trail, books, moves }: CoreParts, condition: StoreCondition): Tx {
  const now = time.now();
  const clockSuspect = time.isSuspect();
  return {
    sql,
    cache,
    now,
    wall: time.wall(),
    clockSuspect,
    memo: new Map(),
    get store() {
      return books.facts;
    },
    get tally() {
      return books.tally;
    },
    get suspended() {
      return suspension(books, condition, clockSuspect);
    },
    moved: (move) => void moves.push(move),
    audit(draft) {
      books.isTouched = true;
      return trail.append(draft, now);
    },
    touch() {
      books.isTouched = true;
    },
    sequence: () => trail.sequence(),
    due(at) {
      if (books.dueAt === null || at < books.dueAt) books.dueAt = at;
    },
    setStore(facts) {
      books.facts = facts;
      books.isTouched = true;
    },
    acceptClock: () => time.accept(),
  };
}

/** A verb that throws takes its own changes back, and nothing of its neighbours'. */
function runApart({ sql, cache, trail, books, tallies, moves }: CoreParts, tx: Tx, verb: Verb): void {
  const { facts, isTouched } = books;
  const tally = { ...books.tally };
  try {
    sql.atomic(() => verb.run(tx));
    tallies.add(moves);
  } catch (error) {
    if (sql.losesCommit(error)) throw error;
    Object.assign(books, { facts, isTouched, tally });
    tx.memo.clear();
    cache.clear();
    trail.reload();
    verb.threw(error);
  } finally {
    moves.length = 0;
  }
}

/** Once a step, with the first change after it: what changes nothing writes nothing. */
function tellStep(books: Books, tx: Tx): void {
  if (tx.clockSuspect && !books.isStepTold)
    tx.audit({ type: "clock.suspect", taskId: null, leaseId: null, cause: brokerCause, data: { wall: tx.wall } });
  books.isStepTold = tx.clockSuspect;
}
