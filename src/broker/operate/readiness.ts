/** Whether the broker would issue now. Ending, killing and reading stay open when it would not. */
import type { CouldLose, LedgerHealth } from "../../ports/ledger-views.ts";
import type { BrokerParts } from "../parts.ts";

export interface Readiness {
  readonly ready: boolean;
  readonly store: "ok" | NonNullable<LedgerHealth["suspended"]> | "unreachable";
  readonly policyDigest: string;
  readonly counts: LedgerHealth["counts"] | null;
  readonly couldLose: CouldLose | null;
}

export async function readiness(parts: Pick<BrokerParts, "ledger" | "policy" | "couldLose">): Promise<Readiness> {
  const known = { policyDigest: parts.policy().digest, couldLose: parts.couldLose ?? null };
  try {
    const health = await parts.ledger.health();
    return { ready: health.suspended === null, store: health.suspended ?? "ok", ...known, counts: health.counts };
  } catch {
    return { ready: false, store: "unreachable", ...known, counts: null };
  }
}
