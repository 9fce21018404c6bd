/** Audit entries as they were written, by sequence; and the sealing keys that live leases still need. */
import { auditCursor, sequenceIn, type AuditCursor } from "../../../domain/audit-cursor.ts";
import { entryFromBody, type AuditEntry } from "../../../domain/audit-entry.ts";
import { base64UrlFromBytes } from "../../../kernel/base64url.ts";
import { keyOfId } from "../../../kernel/ids.ts";
import { maxPageSize } from "../../../kernel/limits.ts";
import type { ListAudit } from "../../../ports/ledger-commands.ts";
import type { AuditPage } from "../../../ports/ledger-views.ts";
import { bytes, integer, text, type SqlRow } from "../driver.ts";
import type { View } from "../tx.ts";

export function listAudit(view: View, query: ListAudit & { readonly before?: number | null }): AuditPage {
  const { taskId, after, limit, newest = false } = query;
  const before = query.before ?? Number.MAX_SAFE_INTEGER;
  const page = Math.min(limit, maxPageSize);
  const start = sequenceIn(after, 0);
  const order = `ORDER BY sequence ${newest ? "DESC" : "ASC"} LIMIT ?`;
  const rows =
    taskId === null
      ? view.sql.all(`SELECT body, hash FROM audit WHERE sequence > ? AND sequence < ? ${order}`, start, before, page)
      : view.sql.all(
          `SELECT body, hash FROM audit WHERE task_key = ? AND sequence > ? AND sequence < ? ${order}`,
          keyOfId(taskId),
          start,
          before,
          page,
        );
  const found = rows.map(entryFromRow).filter((entry) => taskId === null || entry.taskId === taskId);
  const entries = newest ? found.toReversed() : found;
  return { entries, next: auditCursor([entries.at(-1)?.sequence ?? start]) };
}

export function auditHead(view: View): AuditCursor {
  return auditCursor([integer(view.sql.get("SELECT coalesce(max(sequence), 0) FROM audit")?.[0])]);
}

const entryFromRow = ([body, hash]: SqlRow): AuditEntry =>
  entryFromBody(text(body), { shard: 0, hash: base64UrlFromBytes(bytes(hash)) });

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
