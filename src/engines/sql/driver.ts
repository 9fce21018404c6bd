/**
 * What the SQL engine needs of a database: positional statements and one atomic step, all synchronous. Rows come as
 * arrays in the order of the selected columns, which costs a third of named rows. Only text, safe integers, null and
 * bytes are bound (a Durable Object mangles anything else), and no transaction statement or pragma is ever sent:
 * transactions, durability and the meaning of a full disk belong to the adapter.
 */
export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = readonly SqlValue[];

export interface SqlDriver {
  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[];
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined;
  run(sql: string, ...values: readonly SqlValue[]): void;
  /** Runs statements that return nothing, separated by semicolons: for migrations. */
  script(sql: string): void;
  /** All of `step` or, when it throws, nothing of it. Steps nest. */
  atomic<T>(step: () => T): T;
  /** Whether an error lost the whole commit (no room, no disk) and not just the step that met it. */
  losesCommit(error: unknown): boolean;
  sha256(bytes: Uint8Array): Uint8Array;
}

/** A column read as what it must be; anything else is a row that this version did not write, and a loud bug. */
export function integer(value: SqlValue | undefined): number {
  if (typeof value !== "number") throw new Error("the ledger holds a row without an expected number");
  return value;
}

export function text(value: SqlValue | undefined): string {
  if (typeof value !== "string") throw new Error("the ledger holds a row without an expected text");
  return value;
}

export const integerOrNull = (value: SqlValue | undefined): number | null => (value === null ? null : integer(value));
export const textOrNull = (value: SqlValue | undefined): string | null => (value === null ? null : text(value));

export function bytes(value: SqlValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error("the ledger holds a row without expected bytes");
  return value;
}
