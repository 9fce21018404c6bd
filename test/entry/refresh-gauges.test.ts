/** Gauges tell the queues of the workforce beside what the ledger says. */
import { expect, it } from "vitest";
import type { KillRecord } from "../../src/broker/operate/kill-records.ts";
import type { ProviderName } from "../../src/domain/names.ts";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { createNodeMetrics } from "../../src/entry/node-metrics.ts";
import { refreshGauges } from "../../src/entry/refresh-gauges.ts";
import { epochMillis } from "../../src/kernel/time.ts";
import { ledgerTarget, providerName } from "../support/builders.ts";
import { createManualClock } from "../support/manual-clock.ts";

const noProviders = { records: { of: () => undefined, refresh: async () => {} }, providers: () => [] };

it("tells the wake-ups of each queue, and none where there is no queue", async () => {
  const ledger = openMemoryLedger({ clock: createManualClock(), state: emptyState() });
  const rendered = async (depths: ReadonlyMap<typeof ledgerTarget, { waiting: number; active: number }>) => {
    const metrics = createNodeMetrics();
    await refreshGauges(metrics, ledger, { depths: async () => depths }, noProviders);
    return metrics.render();
  };
  const text = await rendered(new Map([[ledgerTarget, { waiting: 3, active: 2 }]]));
  expect(text).toContain(`mayfly_wake_ups_waiting{target="${ledgerTarget}"} 3`);
  expect(text).toContain(`mayfly_wake_ups_active{target="${ledgerTarget}"} 2`);
  expect(await rendered(new Map())).not.toContain("mayfly_wake_ups_waiting{");
});

it("tells of each provider whether its kill was seen, and nothing of one that nobody could see", async () => {
  const ledger = openMemoryLedger({ clock: createManualClock(), state: emptyState() });
  const records = new Map<ProviderName, KillRecord>([
    [providerName("seen"), { kind: "seen", at: epochMillis(1) }],
    [providerName("unseen"), { kind: "not_seen" }],
    [providerName("believed"), { kind: "cannot_be_seen" }],
  ]);
  let isRead = false;
  const refresh = async () => void (isRead = true);
  const kills = {
    records: { of: (name: ProviderName) => records.get(name), refresh },
    providers: () => records.keys(),
  };
  const metrics = createNodeMetrics();
  await refreshGauges(metrics, ledger, { depths: async () => new Map() }, kills);
  const text = await metrics.render();
  expect(isRead).toBe(true);
  expect(text.match(/^mayfly_provider_kill_seen.*$/gm)).toEqual([
    'mayfly_provider_kill_seen{provider="seen"} 1',
    'mayfly_provider_kill_seen{provider="unseen"} 0',
  ]);
});
