/**
 * Leases that live here while their credentials do not at their system: made due, so that the ordinary kill path asks the
 * system and closes them.
 */
import type { Lease } from "../../domain/lease.ts";
import type { ProviderName } from "../../domain/names.ts";
import { millis } from "../../kernel/time.ts";
import { brokerCause } from "../cause.ts";
import type { BrokerParts } from "../parts.ts";

/** Answers how many were; null where the ledger did not say. */
export async function closeMissing(
  { ledger, log, metrics }: Pick<BrokerParts, "ledger" | "log" | "metrics">,
  provider: ProviderName,
  leases: readonly Pick<Lease, "id">[],
): Promise<number | null> {
  for (const { id: leaseId } of leases) {
    const order = { leaseId, killCause: "missing", delay: millis(0), cause: brokerCause() } as const;
    // oxlint-disable-next-line no-await-in-loop -- few, and each is a kill like any other
    if ((await ledger.makeDue(order)).kind === "unknown") return null;
    metrics.count("mayfly_drift_missing_total", { provider });
    log.warn("lease_missing", { lease: leaseId, provider });
  }
  return leases.length;
}
