/**
 * Where a reader of the audit stands: the sequence of the last entry read, of each shard. To whoever pages it is a text
 * to be sent back. A cursor belongs to its store: in another one it may skip or repeat.
 */
import { brand, type Brand } from "../kernel/brand.ts";

/** Sequences by shard, joined by dots; what is left out at the end is zero. */
export type AuditCursor = Brand<string, "AuditCursor">;

/** As many components as an id can name homes, each a safe integer. */
const cursorPattern = /^[0-9]{1,15}(\.[0-9]{1,15}){0,1023}$/;

export function parseAuditCursor(text: string): AuditCursor | undefined {
  return cursorPattern.test(text) ? brand<AuditCursor>(text) : undefined;
}

export const auditCursor = (sequences: readonly number[]): AuditCursor =>
  brand<AuditCursor>(sequences.length === 0 ? "0" : sequences.join("."));

/** Null is the beginning. */
export const sequenceIn = (cursor: AuditCursor | null, shard: number): number =>
  cursor === null ? 0 : Number(cursor.split(".")[shard] ?? "0");
