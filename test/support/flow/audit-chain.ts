/**
 * Verifies the audit's hash chain from what the HTTP interface tells, with code of its own: each hash covers the hash
 * before it and the canonical JSON (RFC 8785 order, no spaces) of the entry.
 */
import { createHash } from "node:crypto";
import type { AuditLine } from "./client.ts";

/** The sequence of the first entry of one shard that does not fit, or undefined. `entries` begin with its first. */
export function firstBrokenEntry(entries: readonly AuditLine[]): number | undefined {
  let before: Uint8Array = new Uint8Array(32);
  let expected = 1;
  for (const { hash, at, shard: _shard, ...rest } of entries) {
    const body = sorted({ ...rest, at: Date.parse(at) });
    const mine = createHash("sha256").update(before).update(body).digest();
    if (rest.sequence !== expected || mine.toString("base64url") !== hash) return rest.sequence;
    before = mine;
    expected += 1;
  }
  return undefined;
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`).join(",")}}`;
}
