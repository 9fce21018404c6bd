/**
 * The engine without its transactions: runs verbs inside a transaction that the adapter opened, each in a step of its
 * own so that one that throws harms no neighbour, and keeps what must not be read back for every verb. The adapter
 * says `committed` or `rolledBack`; after the latter everything kept here is taken from the store again.
 */
import type { Clock } from "../../kernel/clock.ts";
import { ok, type Result } from "../../kernel/result.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { LedgerHealth, SuspendReason } from "../../ports/ledger.ts";
import { createAuditTrail, lastAuditAt } from "./audit-trail.ts";
import { createCache } from "./cache.ts";
import type { SqlDriver } from "./driver.ts";
import { createLedgerClock } from "./ledger-clock.ts";
import { migrate, readStore, writeStore, type SchemaFault } from "./store-row.ts";
import { brokerCause, type StoreFacts, type Tx, type View } from "./tx.ts";

/** One verb of a commit. It keeps its answer until the commit is durable. */
export interface Verb {
  run(tx: Tx): void;
  /** It threw: a bug. Its own changes are undone. */
  threw(error: unknown): void;
}

/** What the adapter knows of its store: issuing stops while it is full, everything after it stopped. */
export type StoreCondition = Extract<SuspendReason, "disk_full" | "stopped"> | null;

export interface SqlCore {
  run(verbs: readonly Verb[], condition: StoreCondition): void;
  /** Answers the earliest instant at which something of the commit falls due. */
  committed(): EpochMillis | null;
  rolledBack(): void;
  view(): View;
  health(condition: StoreCondition): LedgerHealth;
}

/** Migrates, recovers the clock and notes the downtime. Inside a transaction that the adapter commits. */
export function startSqlCore(options: { sql: SqlDriver; clock: Clock }): Result<SqlCore, SchemaFault> {
  const { sql } = options;
  const migrated = migrate(sql);
  if (!migrated.ok) return migrated;
  const stored = readStore(sql);
  const time = createLedgerClock(options.clock, Math.max(stored.committedAt, lastAuditAt(sql)));
  const { committedAt } = stored;
  const downtime = committedAt === 0 ? null : { from: epochMillis(committedAt), until: time.now() };
  writeStore(sql, { ...stored, facts: { ...stored.facts, downtime } });
  return ok(createCore(sql, time));
}

function createCore(sql: SqlDriver, time: ReturnType<typeof createLedgerClock>): SqlCore {
  const trail = createAuditTrail(sql);
  const cache = createCache();
  let { facts, tally, committedAt } = readMutable(sql);
  let dueAt: EpochMillis | null = null;
  let isTouched = false;
  let isStepTold = false;
  trail.reload();

  function reload(): void {
    ({ facts, tally, committedAt } = readMutable(sql));
    trail.reload();
    cache.clear();
  }

  const suspension = (condition: StoreCondition, clockSuspect: boolean): SuspendReason | null =>
    condition ?? (facts.restoring ? "restoring" : clockSuspect ? "clock_suspect" : null);

  function openTx(condition: StoreCondition): Tx {
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
        return facts;
      },
      get tally() {
        return tally;
      },
      get suspended() {
        return suspension(condition, clockSuspect);
      },
      audit(draft) {
        isTouched = true;
        return trail.append(draft, now);
      },
      touch: () => void (isTouched = true),
      sequence: () => trail.sequence(),
      due: (at) => void (dueAt = dueAt === null || at < dueAt ? at : dueAt),
      setStore(next: StoreFacts) {
        facts = next;
        isTouched = true;
      },
      acceptClock: () => time.accept(),
    };
  }

  function runOne(tx: Tx, verb: Verb): void {
    const before = { tally: { ...tally }, facts, isTouched };
    try {
      sql.atomic(() => verb.run(tx));
    } catch (error) {
      if (sql.losesCommit(error)) throw error;
      tx.memo.clear();
      cache.clear();
      trail.reload();
      ({ tally, facts, isTouched } = before);
      verb.threw(error);
    }
  }

  /** Once a step, with the first change after it: what changes nothing writes nothing. */
  function tellStep(tx: Tx): void {
    if (tx.clockSuspect && !isStepTold)
      tx.audit({ type: "clock.suspect", taskId: null, leaseId: null, cause: brokerCause, data: { wall: tx.wall } });
    isStepTold = tx.clockSuspect;
  }

  return {
    run(verbs, condition) {
      isTouched = false;
      dueAt = null;
      const tx = openTx(condition);
      for (const verb of verbs) runOne(tx, verb);
      if (!isTouched) return;
      tellStep(tx);
      committedAt = tx.now;
      writeStore(sql, { facts, tally, committedAt });
    },
    committed: () => dueAt,
    rolledBack() {
      isStepTold = false;
      reload();
    },
    view: () => ({ sql, cache, now: time.now(), store: facts }),
    health: (condition) => ({
      now: time.now(),
      generation: facts.generation,
      suspended: suspension(condition, time.isSuspect()),
      counts: { ...tally },
    }),
  };
}

function readMutable(sql: SqlDriver) {
  const { facts, tally, committedAt } = readStore(sql);
  return { facts, tally: { ...tally }, committedAt };
}
