/**
 * Kills that stand only as long as somebody keeps them, looked at again until the credential has surely ended by itself.
 * One that does not stand any more is taken back: the lease dies once more, on the ordinary kill path, and is told. What
 * such a kill ended beside what it was for becomes due.
 */
import type { Lease } from "../../domain/lease.ts";
import type { ProviderName, TargetName } from "../../domain/names.ts";
import { isSameSystem } from "../../domain/provider-digest.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import { maxPageSize } from "../../kernel/limits.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Provider } from "../../ports/provider.ts";
import { brokerCause } from "../cause.ts";
import type { BrokerParts } from "../parts.ts";
import type { DriftProviders } from "./ask-provider.ts";
import { closeMissing } from "./close-missing.ts";
import { activeOf } from "./find-missing.ts";

type GuardParts = Pick<BrokerParts, "ledger" | "log" | "metrics"> & { readonly drift: DriftProviders };

/** Answers how many were taken back; null where not all could be asked for. */
export async function guardKills(
  parts: GuardParts,
  name: ProviderName,
  targets: Iterable<TargetName>,
): Promise<number | null> {
  const provider = parts.drift.current(name);
  if (provider?.findUndone === undefined) return 0;
  let undone: number | null = 0;
  for (const target of targets) {
    // oxlint-disable-next-line no-await-in-loop -- a few targets, one after the other
    const found = await guardTarget(parts, provider, { name, target });
    undone = found === null || undone === null ? null : undone + found;
    // oxlint-disable-next-line no-await-in-loop -- as above
    if (!(await closeEnded(parts, provider, { name, target }))) undone = null;
  }
  return undone;
}

interface Guarded {
  readonly name: ProviderName;
  readonly target: TargetName;
}

async function guardTarget(
  { ledger, log, metrics, drift }: GuardParts,
  provider: Provider,
  { name, target }: Guarded,
): Promise<number | null> {
  // Read before the system is asked: a kill that is written meanwhile is not missed by either.
  const dead = await deadOf(ledger, target);
  if (dead.length === 0) return 0;
  const undone = await drift.findUndone(provider, dead);
  if (!undone.ok) {
    metrics.count("mayfly_kill_guard_failures_total", { provider: name });
    log.warn("kills_not_guarded", { provider: name, target, reason: undone.fault });
    return null;
  }
  for (const leaseId of undone.value) {
    // oxlint-disable-next-line no-await-in-loop -- few, and each is told
    const reopened = await ledger.reopenLease({ leaseId, reason: "kill_does_not_stand", cause: brokerCause() });
    if (reopened.kind === "unknown") return null;
    metrics.count("mayfly_kills_undone_total", { provider: name });
    log.error("kill_undone", { lease: leaseId, provider: name, why: "kill_does_not_stand" });
  }
  return undone.value.length;
}

/** Living leases whose credentials ended with others. Answers whether all could be asked for. */
async function closeEnded(parts: GuardParts, provider: Provider, { name, target }: Guarded): Promise<boolean> {
  if (provider.findEnded === undefined) return true;
  const active: Lease[] = [];
  for await (const lease of activeOf(parts.ledger, target))
    if (isSameSystem(lease.providerDigest, provider.digest)) active.push(lease);
  if (active.length === 0) return true;
  const ended = await parts.drift.findEnded(provider, active);
  if (!ended.ok) {
    parts.metrics.count("mayfly_kill_guard_failures_total", { provider: name });
    parts.log.warn("kills_not_guarded", { provider: name, target, reason: ended.fault });
    return false;
  }
  const ids = ended.value.map((id) => ({ id }));
  return (await closeMissing(parts, name, ids)) !== null;
}

/** At most as many as the target has room for. */
async function deadOf(ledger: Pick<Ledger, "listDenied">, target: TargetName): Promise<readonly Lease[]> {
  const dead: Lease[] = [];
  let after: LeaseId | null = null;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page: readonly Lease[] = await ledger.listDenied({ target, after, limit: maxPageSize });
    dead.push(...page.filter(({ state }) => state.kind === "revoked"));
    after = page.at(-1)?.id ?? null;
    if (page.length < maxPageSize) return dead;
  }
}
