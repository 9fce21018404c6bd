/** Gauges tell the queues of the workforce beside what the ledger says. */
import { expect, it } from "vitest";
import { openMemoryLedger } from "../../src/engines/memory/ledger.ts";
import { emptyState } from "../../src/engines/memory/state.ts";
import { createNodeMetrics } from "../../src/entry/node-metrics.ts";
import { refreshGauges } from "../../src/entry/refresh-gauges.ts";
import { ledgerTarget } from "../support/builders.ts";
import { createManualClock } from "../support/manual-clock.ts";

it("tells the wake-ups of each queue, and none where there is no queue", async () => {
  const ledger = openMemoryLedger({ clock: createManualClock(), state: emptyState() });
  const rendered = (depths: ReadonlyMap<typeof ledgerTarget, { waiting: number; active: number }>) => {
    const metrics = createNodeMetrics(() => refreshGauges(metrics, ledger, { depths: async () => depths }));
    return metrics.render();
  };
  const text = await rendered(new Map([[ledgerTarget, { waiting: 3, active: 2 }]]));
  expect(text).toContain(`mayfly_wake_ups_waiting{target="${ledgerTarget}"} 3`);
  expect(text).toContain(`mayfly_wake_ups_active{target="${ledgerTarget}"} 2`);
  expect(await rendered(new Map())).not.toContain("mayfly_wake_ups_waiting{");
});
