/** Audit entries as they were written, by sequence; and the sealing keys that live leases still need. */
import type { AuditEntry, AuditType } from "../../../domain/audit-entry.ts";
import type { JsonObject } from "../../../kernel/canonical-json.ts";
import { base64UrlFromBytes } from "../../../kernel/base64url.ts";
import { keyOfId, type LeaseId, type RequestId, type TaskId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { EpochMillis } from "../../../kernel/time.ts";
import type { ListAudit } from "../../../ports/ledger-commands.ts";
import { bytes, text, type SqlRow } from "../driver.ts";
import type { View } from "../tx.ts";

export function listAudit(view: View, { taskId, after, limit, newest = false }: ListAudit): readonly AuditEntry[] {
  const page = Math.min(limit, maxPageSize);
  const order = `ORDER BY sequence ${newest ? "DESC" : "ASC"} LIMIT ?`;
  const rows =
    taskId === null
      ? view.sql.all(`SELECT body, hash FROM audit WHERE sequence > ? ${order}`, after, page)
      : view.sql.all(
          `SELECT body, hash FROM audit WHERE task_key = ? AND sequence > ? ${order}`,
          keyOfId(taskId),
          after,
          page,
        );
  const entries = rows.map(entryFromRow).filter((entry) => taskId === null || entry.taskId === taskId);
  return newest ? entries.toReversed() : entries;
}

/** The text was written by `auditBody`. */
interface Body {
  readonly sequence: number;
  readonly at: EpochMillis;
  readonly type: AuditType;
  readonly task_id: TaskId | null;
  readonly lease_id: LeaseId | null;
  readonly actor: string;
  readonly request_id: RequestId | null;
  readonly data: JsonObject;
}

function entryFromRow([body, hash]: SqlRow): AuditEntry {
  const entry = JSON.parse(text(body)) as Body;
  const { task_id: taskId, lease_id: leaseId, request_id: requestId, ...rest } = entry;
  return { ...rest, taskId, leaseId, requestId, hash: base64UrlFromBytes(bytes(hash)) };
}

/** One index look-up a key, whatever the number of sealed leases. */
export function sealedKeyIds(view: Pick<View, "sql">): readonly string[] {
  const keyId = "substr(sealed, 1, instr(sealed, '.') - 1)";
  const found: string[] = [];
  for (let last = ""; ;) {
    const row = view.sql.get(
      `SELECT ${keyId} FROM lease WHERE sealed IS NOT NULL AND ${keyId} > ? ORDER BY ${keyId} LIMIT 1`,
      last,
    );
    if (row === undefined) return found;
    last = text(row[0]);
    found.push(last);
  }
}
