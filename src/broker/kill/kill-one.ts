/**
 * One attempt on one claimed lease: the only code that ends a credential, run alike by a task's end, an expiry, a
 * restart and an unknown mint. Decides the verdict; recording it is the lane's business.
 */
import { mayExpire } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { mintMarginMillis } from "../../kernel/limits.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import { addMillis, millis, millisBetween, type EpochMillis } from "../../kernel/time.ts";
import type { RecordVerdict } from "../../ports/ledger.ts";
import type { BrokerParts } from "../parts.ts";

export interface KillAttempt {
  readonly outcome: RecordVerdict["outcome"];
  readonly targetFault: boolean;
}

type Parts = Pick<BrokerParts, "providers" | "sealer" | "clock">;

export async function killOne(parts: Parts, lease: Lease): Promise<KillAttempt> {
  if (mayExpire(lease, parts.clock.now())) return { outcome: { kind: "native_expiry" }, targetFault: false };
  let secret: Redacted | null = null;
  if (lease.sealed !== null) {
    const opened = await parts.sealer.open(lease.sealed, lease.id);
    if (!opened.ok) return { outcome: sealFault(opened.fault.reason), targetFault: false };
    secret = opened.value;
  }
  try {
    const { verdict, targetFault } = await parts.providers.revoke(lease, secret);
    return { outcome: await believed(parts, lease, secret, verdict), targetFault };
  } finally {
    secret?.wipe();
  }
}

/** What of the provider's word is said (promise P4). */
async function believed(parts: Parts, lease: Lease, secret: Redacted | null, verdict: Verdict): Promise<Verdict> {
  if (verdict.kind !== "dead-verified" && verdict.kind !== "dead-unverified" && verdict.kind !== "already-gone")
    return verdict;
  if (verdict.kind === "already-gone") {
    const early = tooEarly(lease, parts.clock.now());
    if (early !== null) return early;
  }
  if (!lease.provenAlive || verdict.kind === "dead-verified") return verdict;
  const answer = await parts.providers.probe(lease, secret, "revoking");
  if (answer?.kind === "dead") return { kind: "dead-verified" };
  return answer?.kind === "alive" ? { kind: "retry", reason: "still_alive_after_revocation" } : verdict;
}

/** A mint of unknown outcome may still land: "not found" is final only when the call is long over. */
function tooEarly(lease: Lease, now: EpochMillis): Verdict | null {
  if (lease.state.kind !== "revoking" || !lease.state.outcomeUnknown) return null;
  const believableAt = addMillis(lease.mintAbortAt, mintMarginMillis);
  if (now >= believableAt) return null;
  return { kind: "retry", reason: "mint_may_still_land", after: millis(millisBetween(now, believableAt)) };
}

const sealFault = (reason: "unknown_key" | "corrupt"): Verdict => ({
  kind: "refused",
  reason: `sealed_${reason}`,
  fix:
    reason === "unknown_key"
      ? "put the sealing key that this lease was sealed with back into the ring"
      : "the sealed secret cannot be opened; end the credential at its provider by hand or wait for its expiry",
});
