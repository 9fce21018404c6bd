/** Why a ledger file cannot be used, in words that say what to do. */
import { unreachable } from "../../kernel/unreachable.ts";
import { newestVersion } from "../sql/migrations.ts";
import type { SchemaFault } from "../sql/store-row.ts";
import { sqliteTrouble, systemCode } from "./sqlite-errors.ts";

export interface OpenFault {
  readonly reason:
    | "locked"
    | "newer_schema"
    | "not_a_ledger"
    | "corrupt"
    | "is_directory"
    | "no_parent"
    | "not_found"
    | "exists"
    | "read_only"
    | "disk_full"
    | "disk_fault";
  readonly message: string;
  readonly fix: string;
}

export const lockedFault = (file: string): OpenFault => ({
  reason: "locked",
  message: `another broker is using ${file}`,
  fix: "stop that broker, or give this one a ledger of its own; two brokers must never share a file",
});

export const directoryFault = (file: string): OpenFault => ({
  reason: "is_directory",
  message: `${file} is a directory`,
  fix: `name a file, for example ${file.replace(/\/+$/, "")}/mayfly.db`,
});

export const parentFault = (folder: string): OpenFault => ({
  reason: "no_parent",
  message: `the folder ${folder} does not exist`,
  fix: `make it first: mkdir -p ${folder}`,
});

export const missingFault = (file: string): OpenFault => ({
  reason: "not_found",
  message: `there is no ${file}`,
  fix: "check the path",
});

export const existsFault = (file: string): OpenFault => ({
  reason: "exists",
  message: `${file} exists already`,
  fix: "move it away, or choose another name; nothing is overwritten",
});

export function schemaFault(file: string, fault: SchemaFault): OpenFault {
  if (fault.reason === "not_a_ledger") return foreignFault(file);
  return {
    reason: "newer_schema",
    message: `${file} was written by a newer Mayfly (schema ${fault.version}; this one knows up to ${newestVersion})`,
    fix: "start the newer version; an older one would not understand what it finds",
  };
}

const foreignFault = (file: string): OpenFault => ({
  reason: "not_a_ledger",
  message: `${file} is not a Mayfly ledger`,
  fix: "check the path; the file was left untouched",
});

/** The fault that an error of SQLite or of the file system stands for. Anything else is a bug and is thrown on. */
export function faultOfError(file: string, error: unknown): OpenFault {
  const trouble = sqliteTrouble(error);
  switch (trouble) {
    case "busy":
      return lockedFault(file);
    case "notADatabase":
      return foreignFault(file);
    case "corrupt":
      return corruptFault(file);
    case "readOnly":
    case "cannotOpen":
      return readOnlyFault(file);
    case "full":
      return fullFault(file);
    case "ioError":
      return diskFault(file);
    case "other":
    case undefined:
      return faultOfSystem(file, error);
    default:
      return unreachable(trouble);
  }
}

function faultOfSystem(file: string, error: unknown): OpenFault {
  switch (systemCode(error)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return readOnlyFault(file);
    case "ENOSPC":
    case "EDQUOT":
      return fullFault(file);
    case "EIO":
      return diskFault(file);
    default:
      throw error;
  }
}

const corruptFault = (file: string): OpenFault => ({
  reason: "corrupt",
  message: `${file} is damaged`,
  fix: "keep the damaged file for its traces and restore a backup: mayfly restore BACKUP",
});

const readOnlyFault = (file: string): OpenFault => ({
  reason: "read_only",
  message: `${file} or its folder cannot be written`,
  fix: "give this user write access to the file and to its folder (SQLite keeps files beside it)",
});

const fullFault = (file: string): OpenFault => ({
  reason: "disk_full",
  message: `the disk of ${file} is full`,
  fix: "make room on it; the ledger cannot even be opened",
});

const diskFault = (file: string): OpenFault => ({
  reason: "disk_fault",
  message: `the disk of ${file} fails to read or write`,
  fix: "check the disk; nothing is issued without a durable record",
});
