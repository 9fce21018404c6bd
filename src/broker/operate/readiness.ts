/** Whether the broker would issue now. Ending, killing and reading stay open when it would not. */
import type { LedgerHealth } from "../../ports/ledger-views.ts";
import type { BrokerParts } from "../parts.ts";

export interface Readiness {
  readonly ready: boolean;
  readonly store: "ok" | NonNullable<LedgerHealth["suspended"]> | "unreachable";
  readonly policyDigest: string;
  readonly counts: LedgerHealth["counts"] | null;
}

export async function readiness(parts: Pick<BrokerParts, "ledger" | "policy">): Promise<Readiness> {
  const policyDigest = parts.policy().digest;
  try {
    const health = await parts.ledger.health();
    return { ready: health.suspended === null, store: health.suspended ?? "ok", policyDigest, counts: health.counts };
  } catch {
    return { ready: false, store: "unreachable", policyDigest, counts: null };
  }
}
