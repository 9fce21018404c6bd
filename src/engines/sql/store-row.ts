/** The one row that the store keeps of itself, and the schema's version. */
import type { Downtime } from "../../domain/gate.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { epochMillis } from "../../kernel/time.ts";
import { integer, integerOrNull, text, type SqlDriver } from "./driver.ts";
import { migrations, newestVersion, versionTable } from "./migrations.ts";
import type { StoreFacts, Tally } from "./tx.ts";

export type SchemaFault =
  | { readonly reason: "newer_schema"; readonly version: number; readonly newest: number }
  | { readonly reason: "not_a_ledger" };

/** The schema's version, 0 for an empty store. Reads only: a newer store, or another program's, is left as it is. */
export function readVersion(sql: SqlDriver): Result<number, SchemaFault> {
  const tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'";
  const isEmpty = integer(sql.get(tables)?.[0]) === 0;
  const hasVersion = sql.get("SELECT 1 FROM sqlite_schema WHERE name = ?", versionTable) !== undefined;
  if (!hasVersion) return isEmpty ? ok(0) : err({ reason: "not_a_ledger" });
  const version = integer(sql.get("SELECT max(version) FROM schema_version")?.[0]);
  return version > newestVersion ? err({ reason: "newer_schema", version, newest: newestVersion }) : ok(version);
}

/** Brings the schema up to this version. */
export function migrate(sql: SqlDriver): Result<number, SchemaFault> {
  const version = readVersion(sql);
  if (!version.ok) return version;
  for (const migration of migrations) {
    if (migration.version <= version.value) continue;
    sql.script(migration.sql);
    sql.run("INSERT INTO schema_version (version) VALUES (?)", migration.version);
  }
  return version;
}

export interface StoreRow {
  readonly facts: StoreFacts;
  readonly tally: Readonly<Tally>;
  /** The instant of the last commit that changed anything. */
  readonly committedAt: number;
}

export function readStore(sql: SqlDriver): StoreRow {
  const row = sql.get(
    `SELECT generation, restoring, downtime_from, downtime_until, committed_at, open_tasks, live_leases, stuck_leases
     FROM store`,
  );
  if (row === undefined) throw new Error("the ledger does not know itself");
  const [generation, restoring, from, until, committedAt, openTasks, liveLeases, stuckLeases] = row;
  return {
    facts: {
      generation: integer(generation),
      restoring: integer(restoring) === 1,
      downtime: downtimeFrom(integerOrNull(from), integerOrNull(until)),
    },
    tally: { openTasks: integer(openTasks), liveLeases: integer(liveLeases), stuckLeases: integer(stuckLeases) },
    committedAt: integer(committedAt),
  };
}

export const readMark = (sql: SqlDriver): string => text(sql.get("SELECT mark FROM store")?.[0]);

const downtimeFrom = (from: number | null, until: number | null): Downtime | null =>
  from === null || until === null ? null : { from: epochMillis(from), until: epochMillis(until) };

export function writeStore(sql: SqlDriver, { facts, tally, committedAt }: StoreRow): void {
  const { generation, restoring, downtime } = facts;
  sql.run(
    `UPDATE store SET generation = ?, restoring = ?, downtime_from = ?, downtime_until = ?, committed_at = ?,
      open_tasks = ?, live_leases = ?, stuck_leases = ?`,
    generation,
    restoring ? 1 : 0,
    downtime?.from ?? null,
    downtime?.until ?? null,
    committedAt,
    tally.openTasks,
    tally.liveLeases,
    tally.stuckLeases,
  );
}
