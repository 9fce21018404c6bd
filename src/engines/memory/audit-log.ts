/** The audit entries with their hash chain: hash = SHA-256(previous hash, body), the first on 32 zero bytes. */
import { auditCursor, sequenceIn, type AuditCursor } from "../../domain/audit-cursor.ts";
import { base64UrlFromBytes } from "../../kernel/base64url.ts";
import type { TaskId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { AuditPage } from "../../ports/ledger-views.ts";
import type { AuditRow } from "./state.ts";

export interface AuditQuery {
  readonly taskId: TaskId | null;
  readonly after: AuditCursor | null;
  readonly limit: number;
}

export type ReadAudit = (query: AuditQuery) => Promise<AuditPage>;

export function createAuditReader(rows: readonly AuditRow[]): ReadAudit {
  let chain: Promise<readonly Uint8Array[]> = Promise.resolve([]);
  return async ({ taskId, after, limit }) => {
    chain = chain.then((hashes) => extend(hashes, rows.slice(hashes.length)));
    const hashes = await chain;
    const start = sequenceIn(after, 0);
    const entries = rows
      .slice(0, hashes.length)
      .map(({ entry }, index) => ({ ...entry, hash: base64UrlFromBytes(hashes[index] ?? new Uint8Array()) }))
      .filter((entry) => entry.sequence > start && (taskId === null || entry.taskId === taskId))
      .slice(0, Math.min(limit, maxPageSize));
    return { entries, next: auditCursor([entries.at(-1)?.sequence ?? start]) };
  };
}

async function extend(hashes: readonly Uint8Array[], rows: readonly AuditRow[]): Promise<readonly Uint8Array[]> {
  const extended = [...hashes];
  for (const { body } of rows) {
    const previous = extended.at(-1) ?? new Uint8Array(32);
    const bytes = new TextEncoder().encode(body);
    const joined = new Uint8Array(previous.length + bytes.length);
    joined.set(previous);
    joined.set(bytes, previous.length);
    // oxlint-disable-next-line no-await-in-loop -- each hash needs the one before
    extended.push(new Uint8Array(await crypto.subtle.digest("SHA-256", joined)));
  }
  return extended;
}
