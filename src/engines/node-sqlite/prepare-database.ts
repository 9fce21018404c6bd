/** What the ledger demands of its connection; part of what "durable" means, so it stands alone and is tested. */
import type { DatabaseSync } from "node:sqlite";

const cacheKibibytes = 32 * 1024;

export function prepareDatabase(db: DatabaseSync): void {
  // Commits go to a log, so that readers (a backup) never block one.
  db.exec("PRAGMA journal_mode = WAL");
  // A commit that was answered survives a power cut. With group commit, less would buy nothing.
  db.exec("PRAGMA synchronous = FULL");
  // The default of 2 MB is less than what the kill of ten thousand credentials touches: pages would be read back.
  db.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
  // Nothing in a file that was tampered with runs as code.
  db.exec("PRAGMA trusted_schema = OFF");
  // What is deleted (a sealed secret) is overwritten in the pages that are written anyway.
  db.exec("PRAGMA secure_delete = FAST");
}
