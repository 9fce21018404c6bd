/** Checks the path of a ledger before SQLite sees it, and names the files beside it. */
import { closeSync, existsSync, fsyncSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { err, ok, type Result } from "../../kernel/result.ts";
import { directoryFault, faultOfError, parentFault, type OpenFault } from "./open-fault.ts";

export interface LedgerPath {
  readonly file: string;
  readonly lock: string;
  readonly ballast: string;
  readonly exists: boolean;
}

/** Links are followed, or two names of one file would have two locks. */
export function checkPath(given: string): Result<LedgerPath, OpenFault> {
  const wanted = resolve(given);
  try {
    const folder = dirname(wanted);
    if (!existsSync(folder) || !statSync(folder).isDirectory()) return err(parentFault(folder));
    const exists = existsSync(wanted);
    if (exists && statSync(wanted).isDirectory()) return err(directoryFault(wanted));
    const file = exists ? realpathSync(wanted) : join(realpathSync(folder), basename(wanted));
    return ok({ file, exists, lock: `${file}-lock`, ballast: `${file}-ballast` });
  } catch (error) {
    return err(faultOfError(wanted, error));
  }
}

/** Only the broker's user may read the ledger; SQLite gives its other files the same mode. */
export function createPrivate(file: string): void {
  closeSync(openSync(file, "wx", 0o600));
}

/** Makes a file, or the names in a folder, survive a power cut. */
export function syncFile(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
