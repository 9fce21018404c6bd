/**
 * Ends leases of a dead task token whose ids were never learnt. When a token ends, the server condemns what it read:
 * such leases have no time left, while those of living tokens have. So every condemned lease of that path and time is
 * ended now, instead of waiting for the server's queue. Answers what is left to do, or null.
 */
import type { Verdict } from "../../src/domain/verdict.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import { membersOf, textsOf } from "./answers.ts";
import { endLease, lookUpLease } from "./end-lease.ts";
import { notEnded, notSeen, refused } from "./not-ended.ts";
import type { VaultParts } from "./parts.ts";

/** Leases of one path; a kill has ten seconds. */
const maxLooks = 2_000;
const looksAtOnce = 8;
/** Between the server's clock and ours. */
const skewMillis = 60_000;
const maxListBytes = 8 * 1024 * 1024;

export interface Unnamed {
  readonly path: string;
  /** When the read may have begun, and when the server has finished it. */
  readonly from: EpochMillis;
  readonly overAt: EpochMillis;
}

export async function endUnnamed(parts: VaultParts, unnamed: Unnamed, signal: AbortSignal): Promise<Verdict | null> {
  const path = `sys/leases/lookup/${unnamed.path}`;
  const listed = await parts.asBroker({ verb: "list", path, maxBytes: maxListBytes, signal });
  // An empty list is a 404.
  if (listed.kind === "answered" && listed.status === 404) return null;
  if (listed.kind !== "answered" || listed.status !== 200) return notEnded(listed, path);
  const ids = textsOf(membersOf(listed.body, "data"), "keys").map((key) => `${unnamed.path}/${key}`);
  if (ids.length > maxLooks)
    return refused(
      "too_many_leases",
      `end what was leased at ${unnamed.path} at that time and has no time left by hand`,
    );
  for (let at = 0; at < ids.length; at += looksAtOnce) {
    const chunk = ids.slice(at, at + looksAtOnce);
    // oxlint-disable-next-line no-await-in-loop -- so many at a time and no more
    const left = await Promise.all(chunk.map((id) => endIfCondemned(parts, id, unnamed, signal)));
    const first = left.find((verdict) => verdict !== null);
    if (first !== undefined) return first;
  }
  return null;
}

async function endIfCondemned(
  parts: VaultParts,
  id: string,
  { from, overAt }: Unnamed,
  signal: AbortSignal,
): Promise<Verdict | null> {
  const found = await lookUpLease(parts, id, signal);
  if (found.kind === "gone") return null;
  if (found.kind === "unclear") return notSeen(found.answer);
  const isOfThatTime = !(found.issuedAtMillis < from - skewMillis) && !(found.issuedAtMillis > overAt + skewMillis);
  return found.isCondemned && isOfThatTime ? endLease(parts, id, signal) : null;
}
