/** Replay markers and idempotency keys: what was presented before, and what became of it. */
import type { Cause } from "../../../domain/audit-entry.ts";
import type { IdempotencyMark, IntentConflict, ReplayMarker } from "../../../ports/ledger-commands.ts";
import { integer, text } from "../driver.ts";
import { makeRecordDue } from "../lease-moves.ts";
import type { Tx } from "../tx.ts";
import { leaseOfKey } from "./lease-rows.ts";

/** The same request may come again; the same token with another request may not. */
export function isReplayed(tx: Tx, marker: ReplayMarker): boolean {
  const row = tx.sql.get(
    "SELECT request_digest FROM replay WHERE issuer = ? AND token_id = ?",
    marker.issuerUrl,
    marker.tokenId,
  );
  return row !== undefined && text(row[0]) !== marker.requestDigest;
}

export function storeReplay(tx: Tx, marker: ReplayMarker): void {
  tx.sql.run(
    `INSERT INTO replay (issuer, token_id, request_digest, expires_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (issuer, token_id) DO UPDATE SET expires_at = excluded.expires_at, uses = uses + 1`,
    marker.issuerUrl,
    marker.tokenId,
    marker.requestDigest,
    marker.expiresAt,
  );
}

/** Of a request that was refused after all. Whoever else took the token with the same request keeps it. */
export function giveBackReplay(tx: Tx, { issuerUrl, tokenId, requestDigest }: ReplayMarker): void {
  const ours = "issuer = ? AND token_id = ? AND request_digest = ?";
  tx.sql.run(`UPDATE replay SET uses = uses - 1 WHERE ${ours}`, issuerUrl, tokenId, requestDigest);
  tx.sql.run(`DELETE FROM replay WHERE ${ours} AND uses <= 0`, issuerUrl, tokenId, requestDigest);
}

/** Null where the key is free. A lease that was delivered cannot be delivered again: it becomes due right here. */
export function checkIdempotency(tx: Tx, mark: IdempotencyMark, cause: Cause): IntentConflict | null {
  const row = tx.sql.get(
    "SELECT lease_key, request_digest FROM idempotency WHERE substr(name, 1, 8) = substr(?1, 1, 8) AND name = ?1",
    mark.key,
  );
  const record = row === undefined ? undefined : leaseOfKey(tx, integer(row[0]));
  if (row === undefined || record === undefined || record.lease.state.kind === "mint_failed") return null;
  if (text(row[1]) !== mark.requestDigest) return { reason: "key_reused" };
  const { id: leaseId, state } = record.lease;
  if (state.kind === "intended") return { reason: "in_flight", leaseId };
  makeRecordDue(tx, record, { killCause: "undelivered", orderedAt: tx.now, dueAt: tx.now, cause });
  return { reason: "already_delivered", leaseId };
}

/** Takes the key over from a mint that failed. */
export function storeIdempotency(tx: Tx, mark: IdempotencyMark, leaseKey: number): void {
  tx.sql.run("DELETE FROM idempotency WHERE substr(name, 1, 8) = substr(?1, 1, 8) AND name = ?1", mark.key);
  tx.sql.run(
    "INSERT INTO idempotency (lease_key, name, request_digest) VALUES (?, ?, ?)",
    leaseKey,
    mark.key,
    mark.requestDigest,
  );
}
