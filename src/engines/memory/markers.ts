/** Replay markers and idempotency keys: what was presented before, and what became of it. */
import type { Cause } from "../../domain/audit-entry.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { IdempotencyMark, IntentConflict, ReplayMarker } from "../../ports/ledger-commands.ts";
import { makeRowDue } from "./lease-row.ts";
import type { Model } from "./model.ts";

export const replayKey = (marker: ReplayMarker): string => `${marker.issuerUrl} ${marker.tokenId}`;

/** The same request may come again; the same token with another request may not. */
export function isReplayed(model: Model, marker: ReplayMarker): boolean {
  const seen = model.state.replays.get(replayKey(marker));
  return seen !== undefined && seen.requestDigest !== marker.requestDigest;
}

/** Null where the key is free. A lease that was delivered cannot be delivered again: it becomes due right here. */
export function checkIdempotency(
  model: Model,
  mark: IdempotencyMark,
  cause: Cause,
  now: EpochMillis,
): IntentConflict | null {
  const seen = model.state.idempotency.get(mark.key);
  const row = seen === undefined ? undefined : model.state.leases.get(seen.leaseId);
  if (seen === undefined || row === undefined || row.lease.state.kind === "mint_failed") return null;
  if (seen.requestDigest !== mark.requestDigest) return { reason: "key_reused" };
  const { leaseId } = seen;
  if (row.lease.state.kind === "intended") return { reason: "in_flight", leaseId };
  makeRowDue(model, row, { killCause: "undelivered", orderedAt: now, dueAt: now, cause }, now);
  return { reason: "already_delivered", leaseId };
}
