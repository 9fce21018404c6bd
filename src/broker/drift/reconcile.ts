/**
 * Compares what lives at a provider under this ledger's mark with the ledger, both ways. What no lease accounts for is
 * ended; a death that turns out undone is taken back, and what lives only here is made due, so that both end on the
 * ordinary kill path. What is not told here as compared was not; the next run begins anew.
 */
import type { ProviderName } from "../../domain/names.ts";
import { boundedMap } from "../../kernel/bounded-map.ts";
import type { LeaseId } from "../../kernel/ids.ts";
import type { EpochMillis } from "../../kernel/time.ts";
import type { Found, Provider } from "../../ports/provider.ts";
import { brokerCause } from "../cause.ts";
import type { BrokerParts } from "../parts.ts";
import type { DriftProviders } from "./ask-provider.ts";
import { closeMissing } from "./close-missing.ts";
import { findMissing } from "./find-missing.ts";
import { judge, type Judgement } from "./judge.ts";

export type ReconcileParts = Pick<BrokerParts, "ledger" | "clock" | "log" | "metrics"> & {
  readonly drift: DriftProviders;
  readonly firstSeen: FirstSeen;
};

export interface DriftReport {
  readonly provider: ProviderName;
  /** Found there under this ledger's mark. */
  readonly found: number;
  /** What no lease accounted for, and what became of it; `young` is left for a later run. */
  readonly strays: { readonly ended: number; readonly young: number; readonly notEnded: number };
  /** Dead by the ledger, and there again: due once more. */
  readonly undone: number;
  /** Active by the ledger, and not there: due. */
  readonly missing: number;
  /** Why not all was compared; null where it was. */
  readonly unfinished: string | null;
}

/** Pages of 200: beyond that many credentials at one provider, what is missing is not looked for. */
const maxPages = 500;
/** Of one run; a next one goes on. */
const maxStraysEnded = 500;

interface Run {
  readonly parts: ReconcileParts;
  readonly name: ProviderName;
  readonly provider: Provider;
  readonly startedAt: EpochMillis;
  readonly seen: Set<LeaseId>;
  readonly counts: { found: number; ended: number; young: number; notEnded: number; undone: number; missing: number };
}

export async function reconcile(parts: ReconcileParts, name: ProviderName): Promise<DriftReport> {
  const provider = parts.drift.current(name);
  const counts = { found: 0, ended: 0, young: 0, notEnded: 0, undone: 0, missing: 0 };
  let unfinished: string | null = "cannot_list";
  if (provider?.list !== undefined) {
    const { now: startedAt } = await parts.ledger.health();
    const run: Run = { parts, name, provider, startedAt, seen: new Set(), counts };
    unfinished = (await lookThere(run)) ?? (await lookHere(run));
    if (counts.notEnded > 0) unfinished ??= "strays_not_ended";
  }
  const { found, ended, young, notEnded, undone, missing } = counts;
  const report = { provider: name, found, strays: { ended, young, notEnded }, undone, missing, unfinished };
  await tell(parts, report);
  return report;
}

/** Every page of what lives there. Answers why it is not all. */
async function lookThere(run: Run): Promise<string | null> {
  let after: string | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const listed = await run.parts.drift.list(run.provider, after);
    if (!listed.ok) return listed.fault;
    // oxlint-disable-next-line no-await-in-loop -- as above
    await lookAt(run, listed.value.found);
    after = listed.value.next;
    if (after === null) return null;
  }
  return "too_many";
}

async function lookAt(run: Run, page: readonly Found[]): Promise<void> {
  const { parts, counts, seen, startedAt: now, provider } = run;
  counts.found += page.length;
  const { needsSecretToRevoke } = provider.capabilities;
  const judged = await Promise.all(
    page.map(async (found) => {
      const view = found.leaseId === null ? undefined : await parts.ledger.readLease(found.leaseId);
      const firstSeenAt = parts.firstSeen.of(`${run.name} ${found.name}`, now);
      return { found, judgement: judge({ found, view, firstSeenAt, now, needsSecretToRevoke }) };
    }),
  );
  for (const { found, judgement } of judged) {
    if (found.leaseId !== null) seen.add(found.leaseId);
    // oxlint-disable-next-line no-await-in-loop -- strays are few, and ending them must not crowd out kills
    await act(run, found, judgement);
  }
}

async function act(run: Run, found: Found, judgement: Judgement): Promise<void> {
  const { parts, counts, name: provider } = run;
  if (judgement.kind === "young") counts.young += 1;
  if (judgement.kind === "undone") {
    const { leaseId } = judgement;
    const reopened = await parts.ledger.reopenLease({ leaseId, reason: "found_alive", cause: brokerCause() });
    if (reopened.kind !== "ok") return;
    counts.undone += 1;
    parts.metrics.count("mayfly_kills_undone_total", { provider });
    parts.log.error("kill_undone", { lease: leaseId, provider, why: "found_alive" });
  }
  if (judgement.kind === "stray") await endStray(run, found);
}

async function endStray({ parts, name: provider, provider: at, counts }: Run, found: Found): Promise<void> {
  if (counts.ended >= maxStraysEnded) {
    counts.notEnded += 1;
    return;
  }
  const verdict = await parts.drift.revokeStray(at, found);
  const isEnded =
    verdict.kind === "dead-verified" || verdict.kind === "dead-unverified" || verdict.kind === "already-gone";
  parts.metrics.count("mayfly_drift_strays_total", { provider, outcome: isEnded ? "ended" : "not_ended" });
  if (!isEnded) {
    counts.notEnded += 1;
    const reason = "reason" in verdict ? verdict.reason : verdict.kind;
    parts.log.error("stray_not_ended", { provider, name: found.name, reason });
    return;
  }
  counts.ended += 1;
  parts.log.warn("stray_ended", { provider, name: found.name, lease: found.leaseId, verdict: verdict.kind });
  const data = { lease: found.leaseId, name: found.name, provider, verdict: verdict.kind };
  await parts.ledger.appendAudit({ type: "stray.revoked", taskId: null, leaseId: null, cause: brokerCause(), data });
}

/** What is active here and was not there. */
async function lookHere(run: Run): Promise<string | null> {
  const { parts, name, provider, startedAt, seen, counts } = run;
  const found = await findMissing(parts, { name, digest: provider.digest, before: startedAt, seen });
  if (!found.ok) return found.fault;
  const closed = await closeMissing(parts, name, found.value);
  if (closed === null) return "store";
  counts.missing += closed;
  return null;
}

async function tell({ ledger, clock, log, metrics }: ReconcileParts, report: DriftReport): Promise<void> {
  const { provider, found, strays, undone, missing, unfinished } = report;
  log.info("drift_compared", { provider, found, ended: strays.ended, undone, missing, unfinished });
  if (unfinished !== null) {
    metrics.count("mayfly_drift_unfinished_total", { provider });
    return;
  }
  metrics.gauge("mayfly_drift_compared_at_seconds", Math.floor(clock.now() / 1000), { provider });
  await ledger.noteProvider({ provider, seen: { kind: "reconciled" } });
}

export interface FirstSeen {
  /** When this process first saw it: the age of what tells none itself. */
  of(key: string, now: EpochMillis): EpochMillis;
}

/** The oldest go; a stray that is forgotten only waits once more. */
const maxRemembered = 10_000;

export function createFirstSeen(): FirstSeen {
  const seen = boundedMap<string, EpochMillis>(maxRemembered);
  return {
    of(key, now) {
      const at = seen.get(key) ?? now;
      seen.set(key, at);
      return at;
    },
  };
}
