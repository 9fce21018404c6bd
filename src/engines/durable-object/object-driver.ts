/** The SQL engine's driver over a Durable Object's storage: statements are cached by the runtime, blobs come as buffers. */
import { createHash } from "node:crypto";
import type { SqlDriver, SqlRow, SqlValue } from "../sql/driver.ts";
import type { ObjectStorage } from "./object-storage.ts";

export function createObjectDriver(storage: Pick<ObjectStorage, "sql" | "transactionSync">): SqlDriver {
  const { sql } = storage;
  const rows = (statement: string, values: readonly SqlValue[]): IterableIterator<readonly StoredValue[]> =>
    sql.exec(statement, ...values).raw();
  return {
    all: (statement, ...values) => Array.from(rows(statement, values), toRow),
    get(statement, ...values) {
      const first = rows(statement, values).next();
      return first.done === true ? undefined : toRow(first.value);
    },
    run: (statement, ...values) => void sql.exec(statement, ...values),
    script: (statements) => void sql.exec(statements),
    atomic: (step) => storage.transactionSync(step),
    losesCommit: (error) => isFull(error) || isDiskFault(error),
    sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  };
}

type StoredValue = ArrayBuffer | string | number | null;

const toRow = (row: readonly StoredValue[]): SqlRow =>
  row.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));

/** The runtime tells SQLite's code only in the text of its error. */
const codeIn = (error: unknown): string =>
  (error instanceof Error ? /SQLITE_([A-Z]+)/.exec(error.message)?.[1] : undefined) ?? "";

export const isFull = (error: unknown): boolean => codeIn(error) === "FULL";
const isDiskFault = (error: unknown): boolean => ["IOERR", "CORRUPT", "READONLY", "NOMEM"].includes(codeIn(error));

/** Whether the error is SQLite's at all; any other is a bug of a verb. */
export const isStoreFault = (error: unknown): boolean => codeIn(error) !== "";
