/**
 * One attempt on one claimed lease: the only code that ends a credential, run alike by a task's end, an expiry, a
 * restart and an unknown mint. Decides the verdict; recording it is the lane's business.
 */
import { isDying, mayExpire } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Verdict } from "../../domain/verdict.ts";
import { mintMarginMillis } from "../../kernel/limits.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import { addMillis, millis, millisBetween, type EpochMillis, type Millis } from "../../kernel/time.ts";
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
    const { verdict, targetFault, settle } = await parts.providers.revoke(lease, secret);
    const early = verdict.kind === "already-gone" ? tooEarly(lease, settle, parts.clock.now()) : null;
    return { outcome: early ?? (await believed(parts, lease, secret, verdict)), targetFault };
  } finally {
    secret?.wipe();
  }
}

/** What of the provider's word is said (promise P4). */
async function believed(parts: Parts, lease: Lease, secret: Redacted | null, verdict: Verdict): Promise<Verdict> {
  if (verdict.kind !== "dead-verified" && verdict.kind !== "dead-unverified" && verdict.kind !== "already-gone")
    return verdict;
  if (!lease.provenAlive || verdict.kind === "dead-verified") return verdict;
  const answer = await parts.providers.probe(lease, secret, "revoking");
  if (answer?.kind === "dead") return { kind: "dead-verified" };
  return answer?.kind === "alive" ? { kind: "retry", reason: "still_alive_after_revocation" } : verdict;
}

/**
 * "Not found" is final only when nothing can come any more: the call of a mint of unknown outcome is long over, and what
 * an eventually consistent system made had the time to show.
 */
function tooEarly(lease: Lease, settle: Millis, now: EpochMillis): Verdict | null {
  const { state, mintAbortAt } = lease;
  const outcomeUnknown = isDying(state) && state.outcomeUnknown;
  if (!outcomeUnknown && settle === 0) return null;
  const believableAt = addMillis(mintAbortAt, settle + (outcomeUnknown ? mintMarginMillis : 0));
  if (now >= believableAt) return null;
  const reason = outcomeUnknown ? "mint_may_still_land" : "creation_may_not_show_yet";
  return { kind: "retry", reason, after: millis(millisBetween(now, believableAt)) };
}

const sealFault = (reason: "unknown_key" | "corrupt"): Verdict => ({
  kind: "refused",
  reason: `sealed_${reason}`,
  fix:
    reason === "unknown_key"
      ? "put the sealing key that this lease was sealed with back into the ring"
      : "the sealed secret cannot be opened; end the credential at its provider by hand or wait for its expiry",
});
