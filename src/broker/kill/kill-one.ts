/**
 * One attempt on one claimed lease: the only code that ends a credential, run alike by a task's end, an expiry, a
 * restart and an unknown mint. Decides the verdict; recording it is the lane's business.
 */
import { isDying, mayExpire } from "../../domain/lease-transition.ts";
import type { Lease } from "../../domain/lease.ts";
import type { Verdict } from "../../domain/verdict.ts";
import type { Redacted } from "../../kernel/redacted.ts";
import type { EpochMillis, Millis } from "../../kernel/time.ts";
import type { RecordVerdict } from "../../ports/ledger-commands.ts";
import type { BrokerParts } from "../parts.ts";

export interface KillAttempt {
  readonly outcome: RecordVerdict["outcome"];
  readonly targetFault: boolean;
  /** This process could not even try; another one may. */
  readonly lacksMeans?: boolean;
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
    if (!opened.ok) {
      const { reason } = opened.fault;
      return { outcome: sealFault(reason), targetFault: false, lacksMeans: reason === "unknown_key" };
    }
    secret = opened.value;
  }
  try {
    const answer = await parts.providers.revoke(lease, secret, ledgerNow);
    const { verdict, targetFault, absenceFinalIn } = answer;
    if (answer.isMissing === true) return { outcome: verdict, targetFault, lacksMeans: true };
    if (absenceFinalIn > 0 && isTooEarly(lease, verdict)) return { outcome: askAgain(absenceFinalIn), targetFault };
    return { outcome: await believed(parts, lease, secret, verdict), targetFault };
  } finally {
    secret?.wipe();
  }
}

/** What of the provider's word is said (promise P4). */
async function believed(parts: Parts, lease: Lease, secret: Redacted | null, verdict: Verdict): Promise<Verdict> {
  if (!isDeath(verdict) || verdict.kind === "dead-verified" || !lease.provenAlive) return verdict;
  const answer = await parts.providers.probe(lease, secret, null);
  if (answer?.kind === "dead") return { kind: "dead-verified" };
  return answer?.kind === "alive" ? { kind: "retry", reason: "still_alive_after_revocation" } : verdict;
}

/**
 * "Not found" says nothing while the mint may still show; and while its very outcome is unknown no death is final,
 * because many systems call it done when there was nothing to do.
 */
const isTooEarly = ({ state }: Lease, verdict: Verdict): boolean =>
  verdict.kind === "already-gone" || (isDeath(verdict) && isDying(state) && state.outcomeUnknown);

const isDeath = ({ kind }: Verdict): boolean =>
  kind === "dead-verified" || kind === "dead-unverified" || kind === "already-gone";

const askAgain = (after: Millis): Verdict => ({ kind: "retry", reason: "mint_may_still_show", after });

export const sealKeyMissingReason = "sealed_unknown_key";
const sealFault = (reason: "unknown_key" | "corrupt"): Verdict => ({
  kind: "refused",
  reason: reason === "unknown_key" ? sealKeyMissingReason : "sealed_corrupt",
  fix:
    reason === "unknown_key"
      ? "put the sealing key that this lease was sealed with back into the ring"
      : "the sealed secret cannot be opened; end the credential at its provider by hand or wait for its expiry",
});
