/**
 * Since when sessions have been denied without a gap, as far as was seen: remembered by this process, else read out of
 * the document, which survives a restart and tells the other nodes. Never earlier than it was. Pure.
 */
import { addMillis, earliest, millis, type EpochMillis } from "../../src/kernel/time.ts";
import type { Standing } from "./deny-document.ts";
import type { Denial } from "./deny-plan.ts";

/** One request to IAM. */
export const iamTimeoutMillis = millis(4_000);
/** A put that was given up may still land for a moment. */
export const lateMillis = millis(3_000);

/** By session. */
export type DeniedSince = ReadonlyMap<string, EpochMillis>;

export interface Look {
  /** The documents as they were found, and as they stand now. */
  readonly before: readonly Standing[];
  readonly after: readonly Standing[];
  readonly at: EpochMillis;
}

/** A session that was not denied before this look begins anew, also where it once was. */
export function deniedSince(denials: readonly Denial[], look: Look, earlier: DeniedSince | undefined): DeniedSince {
  const { before, after, at } = look;
  const since = new Map<string, EpochMillis>();
  for (const denial of denials) {
    const name = denial.sessionName;
    if (!after.some((standing) => denies(standing, denial))) continue;
    const found = before.find((standing) => denies(standing, denial));
    since.set(name, found === undefined ? at : (earlier?.get(name) ?? asWritten(found, at)));
  }
  return since;
}

export const denies = ({ sessions, cutoff }: Standing, { sessionName, issuedBefore }: Denial): boolean =>
  sessions.has(sessionName) || (cutoff !== null && issuedBefore < cutoff);

/** The document's time is from before it was sent. One that does not say, or lies ahead, stands since now. */
const asWritten = ({ addedAt }: Standing, at: EpochMillis): EpochMillis =>
  addedAt === null ? at : earliest(at, addMillis(addedAt, iamTimeoutMillis + lateMillis));
