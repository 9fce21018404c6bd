/**
 * One attempt on one claimed lease: the only code that ends a credential, run alike by a task's end, an expiry, a
 * restart and an unknown mint. Decides the verdict; recording it is the lane's business.
 */
import { mayExpire } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import type { EpochMillis, Millis } from "../../kernel/time.ts";
import type { RecordVerdict } from "../../ports/ledger.ts";
import type { BrokerParts } from "../parts.ts";

export interface KillAttempt {
  readonly outcome: RecordVerdict["outcome"];
  readonly targetFault: boolean;
}

type Parts = Pick<BrokerParts, "providers" | "sealer" | "clock">;

/**
 * `ledgerNow` is the clock of the lease's own instants. Natural expiry is judged by the wall, which is never ahead of
 * it: a ledger that a wrong clock once drove forward would call a credential expired that lives on.
 */
export async function killOne(parts: Parts, lease: Lease, ledgerNow: EpochMillis): Promise<KillAttempt> {
  if (mayExpire(lease, parts.clock.now())) return { outcome: { kind: "native_expiry" }, targetFault: false };
  let secret: Redacted | null = null;
  if (lease.sealed !== null) {
    const opened = await parts.sealer.open(lease.sealed, lease.id);
    if (!opened.ok) return { outcome: sealFault(opened.fault.reason), targetFault: false };
    secret = opened.value;
  }
  try {
    const { verdict, targetFault, absenceFinalIn } = await parts.providers.revoke(lease, secret, ledgerNow);
    const early = verdict.kind === "already-gone" && absenceFinalIn > 0 ? tooEarly(absenceFinalIn) : null;
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

/** Asked again when the answer is final. */
const tooEarly = (after: Millis): Verdict => ({ kind: "retry", reason: "mint_may_still_show", after });

const sealFault = (reason: "unknown_key" | "corrupt"): Verdict => ({
  kind: "refused",
  reason: `sealed_${reason}`,
  fix:
    reason === "unknown_key"
      ? "put the sealing key that this lease was sealed with back into the ring"
      : "the sealed secret cannot be opened; end the credential at its provider by hand or wait for its expiry",
});
