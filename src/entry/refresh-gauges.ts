/** Gauges that are read from the ledger when someone scrapes, so that a restart shows the truth at once. */
import type { KillRecords } from "../broker/operate/kill-records.ts";
import type { ProviderName } from "../domain/names.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Workforce } from "../ports/workforce.ts";

export interface KillGauges {
  readonly records: Pick<KillRecords, "of" | "refresh">;
  readonly providers: () => Iterable<ProviderName>;
}

export async function refreshGauges(
  metrics: Metrics,
  ledger: Ledger,
  workforce: Pick<Workforce, "depths">,
  kills: KillGauges,
): Promise<void> {
  const { now, counts, suspended } = await ledger.health();
  metrics.gauge("mayfly_tasks_active", counts.openTasks);
  metrics.gauge("mayfly_leases_active", counts.liveLeases);
  metrics.gauge("mayfly_leases_stuck", counts.stuckLeases);
  metrics.gauge("mayfly_ledger_unreadable_rows", counts.unreadableRows ?? 0);
  metrics.gauge("mayfly_issuing", suspended === null ? 1 : 0);
  for (const { target, due, oldestDueAt, breaker, paused, claimed, stuck } of await ledger.listTargets()) {
    metrics.gauge("mayfly_revocation_queue_depth", due, { target });
    metrics.gauge(
      "mayfly_revocation_oldest_seconds",
      oldestDueAt === null ? 0 : Math.max(0, now - oldestDueAt) / 1000,
      { target },
    );
    metrics.gauge("mayfly_revocations_claimed", claimed, { target });
    metrics.gauge("mayfly_revocations_stuck", stuck, { target });
    metrics.gauge("mayfly_target_paused", paused ? 1 : 0, { target });
    metrics.gauge("mayfly_breaker_open", breaker.kind === "open" ? 1 : 0, { target });
  }
  for (const [target, { waiting, active }] of await workforce.depths()) {
    metrics.gauge("mayfly_wake_ups_waiting", waiting, { target });
    metrics.gauge("mayfly_wake_ups_active", active, { target });
  }
  await refreshKills(metrics, kills);
}

/** One whose kill can never be seen has none: nobody can do anything about it. */
async function refreshKills(metrics: Metrics, { records, providers }: KillGauges): Promise<void> {
  await records.refresh();
  for (const provider of providers()) {
    const record = records.of(provider);
    if (record === undefined || record.kind === "cannot_be_seen") continue;
    metrics.gauge("mayfly_provider_kill_seen", record.kind === "seen" ? 1 : 0, { provider });
  }
}
