/**
 * The only way from the core to a provider. Adds the timeout, checks what came back, keeps third-party errors out, and
 * turns every surprise into an honest outcome: a mint that threw is `unknown`, a revoke that threw is `retry`.
 */
import type { Lease } from "../domain/lease.ts";
import type { ProviderName } from "../domain/names.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Clock } from "../kernel/clock.ts";
import type { LeaseId } from "../kernel/ids.ts";
import { mintTimeoutMillis } from "../kernel/limits.ts";
import type { Redacted } from "../kernel/redacted.ts";
import { addMillis, millis, secondsToMillis, type EpochMillis, type Millis } from "../kernel/time.ts";
import { longestLifeSeconds } from "../policy/requirements.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { MintOutcome, MintRequest, ProbeAnswer, Provider } from "../ports/provider.ts";
import { bounded } from "./bounded.ts";
import { createLandings } from "./landings.ts";

export interface ProviderFacade {
  /** The provider that new credentials come from. */
  current(name: ProviderName): Provider | undefined;
  /** Before its intent is recorded: from then on the kill path may look for what a mint makes. */
  announce(leaseId: LeaseId): void;
  /** Cancels the call at `timeout`, whatever the provider does with the signal. Without time left it makes none. */
  mint(minter: Minter, request: Omit<MintRequest<unknown>, "signal">, timeout: Millis): Promise<MintOutcome>;
  /** `ledgerNow` is the clock that the lease's instants are of. */
  revoke(lease: Lease, secret: Redacted | null, ledgerNow: EpochMillis): Promise<RevokeOutcome>;
  /** Null where the provider has no probe. `minter` asks right after mint; null is the side that revokes. */
  probe(lease: Lease, secret: Redacted | null, minter: Minter | null): Promise<ProbeAnswer | null>;
}

/** The very instance whose digest the intent names: the policy may be reloaded while a credential is made. */
export interface Minter {
  readonly name: ProviderName;
  readonly provider: Provider;
}

export interface RevokeOutcome {
  readonly verdict: Verdict;
  /** The system behind the target failed, as opposed to this one lease: feeds the breaker. */
  readonly targetFault: boolean;
  /** How long "not found" is no answer yet, because what was asked for may still take effect or show. */
  readonly absenceFinalIn: Millis;
  /** This process has no provider for the lease, and asked nobody. */
  readonly isMissing?: boolean;
}

/** Each provider exists twice, with connections of its own: issuing can never take those that a kill needs. */
export interface ProviderLookup {
  issuing(name: ProviderName): Provider | undefined;
  /** The one that minted a lease while it drains, else the current one of that name if it speaks for the same system. */
  revoking(name: ProviderName, digest: string): Provider | undefined;
}

/** Above what any healthy system needs, below the claim time: a hanging target frees its slot. */
export const revokeTimeoutMillis = millis(10_000);
const probeTimeoutMillis = millis(5_000);

export function createProviderFacade(tools: {
  lookup: ProviderLookup;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}): ProviderFacade {
  const { lookup, clock, log } = tools;
  const landings = createLandings(clock);

  return {
    current: (name) => lookup.issuing(name),

    announce: (leaseId) => void landings.begin(leaseId, millis(mintTimeoutMillis)),

    async mint({ name, provider }, request, timeout) {
      const startedAt = clock.monotonicMillis();
      const { mintsInProcess } = provider.capabilities;
      const left = mintsInProcess ? timeout : landings.begin(request.leaseId, timeout);
      if (left === 0) return tooLate;
      const outcome = mintsInProcess
        ? await provider.mint({ ...request, signal: neverAborts })
        : await bounded(clock, left, noAnswer, (signal) => provider.mint({ ...request, signal }));
      const seconds = (clock.monotonicMillis() - startedAt) / 1000;
      noteMint(tools, { provider: name, lease: request.leaseId, seconds }, outcome);
      return checkMint(outcome, request.now, provider);
    },

    async revoke(lease, secret, ledgerNow) {
      const provider = lookup.revoking(lease.provider, lease.providerDigest);
      if (provider === undefined) return providerMissing;
      const now = clock.now();
      const verdict = await bounded<Verdict>(
        clock,
        revokeTimeoutMillis,
        { kind: "retry", reason: "timeout" },
        (signal) => provider.revoke({ lease, secret, now, signal }),
      );
      if (verdict.kind === "retry")
        log.warn("revoke_failed", { lease: lease.id, target: lease.target, reason: verdict.reason });
      const { revocation } = provider.capabilities;
      const settle = revocation.kind === "eventual" ? secondsToMillis(revocation.settleSeconds) : millis(0);
      const absenceFinalIn = landings.left(lease, settle, ledgerNow);
      return {
        verdict: checkVerdict(verdict, lease),
        targetFault: verdict.kind === "retry" && verdict.of !== "lease",
        absenceFinalIn,
      };
    },

    async probe(lease, secret, minter) {
      const provider = minter?.provider ?? lookup.revoking(lease.provider, lease.providerDigest);
      if (provider?.probe === undefined) return null;
      const probe = provider.probe.bind(provider);
      const unclear: ProbeAnswer = { kind: "unclear", reason: "no_answer" };
      return bounded(clock, probeTimeoutMillis, unclear, (signal) =>
        probe({ lease, secret, now: clock.now(), signal }),
      );
    },
  };
}

/** Each one that a limit nearly refused is told of: the next one, with longer parameters, is refused. */
function noteMint(
  { log, metrics }: { log: Log; metrics: Metrics },
  { provider, lease, seconds }: { provider: ProviderName; lease: LeaseId; seconds: number },
  outcome: MintOutcome,
): void {
  metrics.observeSeconds("mayfly_mint_duration_seconds", seconds, { provider, outcome: outcome.kind });
  if (outcome.kind !== "minted" || outcome.minted.nearLimit === undefined) return;
  const { limit, percent } = outcome.minted.nearLimit;
  log.warn("mint_near_limit", { lease, provider, limit, percent });
  metrics.count("mayfly_mints_near_limit_total", { provider });
}

const tooLate: MintOutcome = { kind: "rejected", reason: "too_late_to_ask", retryable: true };
const noAnswer: MintOutcome = { kind: "unknown", reason: "no_answer" };
/** A mint that only computes cannot hang on anyone. */
const neverAborts = new AbortController().signal;

export const providerMissingReason = "provider_missing";
const providerMissing: RevokeOutcome = {
  verdict: {
    kind: "refused",
    reason: providerMissingReason,
    fix: "put the Provider resource back as it was (its system and account) until its last lease is dead",
  },
  targetFault: false,
  absenceFinalIn: millis(0),
  isMissing: true,
};

/**
 * A lifetime that cannot be right is nothing to build on: the credential is not delivered, and killed by what the
 * answer told of it. Of one that is over already, what configuration vouches for is believed instead.
 */
function checkMint(outcome: MintOutcome, now: EpochMillis, { capabilities }: Provider): MintOutcome {
  if (outcome.kind !== "minted") return outcome;
  const { nativeExpiresAt } = outcome.minted;
  const sane =
    Number.isSafeInteger(nativeExpiresAt) &&
    nativeExpiresAt > now &&
    nativeExpiresAt < addMillis(now, longestNativeMillis);
  if (sane) return outcome;
  const longest = nativeExpiresAt > now ? longestNativeMillis : longestLifeSeconds(capabilities) * 1000;
  const granted = { wider: true, scope: null };
  return { kind: "minted", minted: { ...outcome.minted, nativeExpiresAt: addMillis(now, longest), granted } };
}

/** Ten years: beyond it a lifetime is a unit error. */
const longestNativeMillis = 10 * 365 * 24 * 3600 * 1000;

/** "Only expires" is an end only where expiry ends everything (promise P3). */
function checkVerdict(verdict: Verdict, lease: Lease): Verdict {
  if (verdict.kind !== "expires-only" || lease.nativeExpiry === "full") return verdict;
  return {
    kind: "refused",
    reason: "cannot_be_revoked",
    fix: "end this credential at its provider by hand; its native expiry does not end it",
  };
}
