/** The audit entries with their hash chain: hash = SHA-256(previous hash, body), the first on 32 zero bytes. */
import { auditCursor, sequenceIn } from "../../domain/audit-cursor.ts";
import { base64UrlFromBytes } from "../../kernel/base64url.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { ListAudit } from "../../ports/ledger-commands.ts";
import type { AuditPage } from "../../ports/ledger-views.ts";
import type { AuditRow } from "./state.ts";

export type ReadAudit = (query: ListAudit) => Promise<AuditPage>;

export function createAuditReader(rows: readonly AuditRow[]): ReadAudit {
  let chain: Promise<readonly Uint8Array[]> = Promise.resolve([]);
  return async ({ taskId, after, limit, newest = false }) => {
    chain = chain.then((hashes) => extend(hashes, rows.slice(hashes.length)));
    const hashes = await chain;
    const page = Math.min(limit, maxPageSize);
    const start = sequenceIn(after, 0);
    const found = rows
      .slice(0, hashes.length)
      .map(({ entry }, index) => ({ ...entry, hash: base64UrlFromBytes(hashes[index] ?? new Uint8Array()) }))
      .filter((entry) => entry.sequence > start && (taskId === null || entry.taskId === taskId));
    const entries = newest ? found.slice(-page) : found.slice(0, page);
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
