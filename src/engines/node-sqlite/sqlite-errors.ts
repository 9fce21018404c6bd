/** SQLite's result codes (sqlite.org/rescode.html) as what they mean to the ledger. */
import type { DatabaseSync } from "node:sqlite";

const codes = { readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26, busy: 5 } as const;
/** Extended codes of the shared-memory file that cannot grow: also a full disk. */
const noRoomForSharedMemory = [4874, 5642];

export type SqliteTrouble = keyof typeof codes | "other";

/** What kind of trouble an error of node:sqlite is; undefined for an error that is not SQLite's. */
export function sqliteTrouble(error: unknown): SqliteTrouble | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  const { errcode } = error;
  if (noRoomForSharedMemory.includes(errcode)) return "full";
  for (const [name, code] of Object.entries(codes)) if ((errcode & 0xff) === code) return name as SqliteTrouble;
  return "other";
}

/** Whether an error lost the whole transaction (no room, no disk) and not just the statement that met it. */
export const losesTransaction = (db: DatabaseSync, error: unknown): boolean =>
  !db.isTransaction || lost.has(sqliteTrouble(error) ?? "other");

const lost: ReadonlySet<SqliteTrouble> = new Set(["full", "ioError", "corrupt", "readOnly", "busy"]);

/** The file system's code, such as ENOSPC or EACCES. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
