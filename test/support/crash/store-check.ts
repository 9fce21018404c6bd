/**
 * The ledger file as it lies on the disk: a sound database, an audit in which each entry rests on the one before, dead
 * leases without their seals, and which token is recorded for which lease.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { leaseIdOf } from "../../../src/kernel/ids.ts";

/** What a store is asked without the broker. */
export interface StoreCheck {
  /** SHA-256 of each token whose mint was completed, with its lease; also while a broker runs. */
  recordedTokens(): Promise<ReadonlyMap<string, string>>;
  /** In the words of a failure; empty when all is well. */
  check(): Promise<readonly string[]>;
}

export const sqliteStore = (data: string): StoreCheck => ({
  recordedTokens: async () => recordedTokens(data),
  check: async () => checkStore(data),
});

const openStore = (data: string): DatabaseSync => new DatabaseSync(join(data, "ledger.db"), { readOnly: true });

function recordedTokens(data: string): ReadonlyMap<string, string> {
  const db = openStore(data);
  try {
    const rows = db.prepare("SELECT fingerprint, key, tag FROM lease WHERE fingerprint IS NOT NULL").all();
    return new Map(rows.map(({ fingerprint, key, tag }) => [String(fingerprint), leaseIdOf(Number(key), String(tag))]));
  } finally {
    db.close();
  }
}

function checkStore(data: string): readonly string[] {
  const db = openStore(data);
  try {
    const sealed = db
      .prepare("SELECT count(*) AS dead FROM lease WHERE sealed IS NOT NULL AND state IN ('revoked', 'expired')")
      .get();
    const integrity = db.prepare("PRAGMA integrity_check").all();
    const isSound = integrity.length === 1 && integrity[0]?.["integrity_check"] === "ok";
    return [
      ...(isSound ? [] : [`the database is damaged: ${JSON.stringify(integrity)}`]),
      ...(sealed?.["dead"] === 0 ? [] : ["a dead lease still holds its seal"]),
      ...checkChain(db),
    ];
  } finally {
    db.close();
  }
}

function checkChain(db: DatabaseSync): readonly string[] {
  let previous = Buffer.alloc(32);
  let expected = 1;
  for (const { sequence, body, hash } of db.prepare("SELECT sequence, body, hash FROM audit ORDER BY sequence").all()) {
    if (sequence !== expected) return [`audit entry ${expected} is missing`];
    previous = createHash("sha256").update(previous).update(String(body)).digest();
    if (!(hash instanceof Uint8Array) || previous.compare(hash) !== 0)
      return [`audit entry ${expected} is not chained`];
    expected += 1;
  }
  return expected > 1 ? [] : ["the audit is empty"];
}
