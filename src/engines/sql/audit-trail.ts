/** The append-only hash chain: hash = SHA-256(previous hash, body), the first on 32 zero bytes. */
import { auditBody, type AuditDraft } from "../../domain/audit-entry.ts";
import { keyOfId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import { bytes, integer, text, type SqlDriver } from "./driver.ts";

export interface AuditTrail {
  append(draft: AuditDraft, at: EpochMillis): number;
  sequence(): number;
  /** Takes the end of the chain from the store, after a rollback. */
  reload(): void;
}

const hashBytes = 32;
const encoder = new TextEncoder();

export function createAuditTrail(sql: SqlDriver): AuditTrail {
  let sequence = 0;
  let scratch = new Uint8Array(16 * 1024);

  function reload(): void {
    const row = sql.get("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
    sequence = row === undefined ? 0 : integer(row[0]);
    scratch.set(row === undefined ? new Uint8Array(hashBytes) : bytes(row[1]));
  }

  /** `scratch` begins with the newest hash, so that one call hashes both. */
  function hashWith(body: string): Uint8Array {
    const most = hashBytes + body.length * 3;
    if (most > scratch.length) {
      const larger = new Uint8Array(most);
      larger.set(scratch.subarray(0, hashBytes));
      scratch = larger;
    }
    const { written } = encoder.encodeInto(body, scratch.subarray(hashBytes));
    const hash = sql.sha256(scratch.subarray(0, hashBytes + written));
    scratch.set(hash);
    return hash;
  }

  return {
    append(draft, at) {
      const body = auditBody(draft, sequence + 1, at);
      sequence += 1;
      const taskKey = draft.taskId === null ? null : keyOfId(draft.taskId);
      sql.run(
        "INSERT INTO audit (sequence, task_key, body, hash) VALUES (?, ?, ?, ?)",
        sequence,
        taskKey,
        body,
        hashWith(body),
      );
      return sequence;
    },
    sequence: () => sequence,
    reload,
  };
}

/** When the newest entry was written, 0 for none: the ledger's clock never goes behind it. */
export function lastAuditAt(sql: SqlDriver): number {
  const row = sql.get("SELECT body FROM audit ORDER BY sequence DESC LIMIT 1");
  return row === undefined ? 0 : (JSON.parse(text(row[0])) as { readonly at: number }).at;
}
