/** The SQL engine's driver over node:sqlite: statements prepared once, rows as arrays, steps as savepoints. */
import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SqlDriver, SqlRow, SqlValue } from "../sql/driver.ts";
import { losesTransaction } from "./sqlite-errors.ts";

export function createNodeDriver(db: DatabaseSync): SqlDriver {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    prepared.set(sql, statement);
    return statement;
  };
  return {
    all: (sql, ...values) => toRows(prepare(sql).all(...values)),
    get(sql, ...values) {
      const row = prepare(sql).get(...values);
      return row === undefined ? undefined : toRow(row);
    },
    run: (sql, ...values) => void prepare(sql).run(...values),
    script: (sql) => db.exec(sql),
    atomic(step) {
      prepare("SAVEPOINT step").run();
      try {
        const value = step();
        prepare("RELEASE step").run();
        return value;
      } catch (error) {
        // A full disk can have rolled back everything already; then there is no step to undo.
        if (db.isTransaction) {
          prepare("ROLLBACK TO step").run();
          prepare("RELEASE step").run();
        }
        throw error;
      }
    },
    losesCommit: (error) => losesTransaction(db, error),
    sha256: (bytes) => hash("sha256", bytes, "buffer"),
  };
}

/** `setReturnArrays` makes rows arrays, which the types of node:sqlite do not know; blobs are Uint8Array. */
const toRow = (row: unknown): SqlRow => row as readonly SqlValue[];
const toRows = (rows: unknown): readonly SqlRow[] => rows as readonly SqlRow[];
