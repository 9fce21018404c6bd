/** A ledger on virtual time and one system that may drift away from it. */
import { createDriftProviders, type DriftProviders } from "../../../src/broker/drift/ask-provider.ts";
import type { ReconcileParts } from "../../../src/broker/drift/reconcile.ts";
import { createFirstSeen } from "../../../src/broker/drift/reconcile.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import type { AuditEntry } from "../../../src/domain/audit-entry.ts";
import type { Log } from "../../../src/ports/log.ts";
import { createBench, type Bench } from "../../kit/ledger/bench.ts";
import { makeSqliteHarness } from "../../support/sqlite-harness.ts";
import { ledgerDb } from "../../support/builders.ts";
import { createListedSystem, type ListedSystem } from "../../support/listed-system.ts";
import { silentMetrics } from "../../support/silent.ts";

export interface DriftWorld {
  readonly bench: Bench;
  readonly system: ListedSystem;
  readonly drift: DriftProviders;
  readonly parts: ReconcileParts;
  /** Events of the log, with what they say. */
  readonly told: [event: string, fields: object][];
  /** Minted and alive there, under the lease's id. */
  minted(wish?: Parameters<Bench["active"]>[1]): Promise<Lease>;
  audit(): Promise<readonly AuditEntry[]>;
  close(): Promise<void>;
}

export async function openDriftWorld(wish: { needsSecret?: boolean } = {}): Promise<DriftWorld> {
  const harness = await makeSqliteHarness();
  const bench = createBench(harness);
  const system = createListedSystem(wish);
  const lookup = {
    issuing: (name: string) => (name === ledgerDb ? system.provider : undefined),
    revoking: (name: string) => (name === ledgerDb ? system.provider : undefined),
  };
  const drift = createDriftProviders({ lookup, clock: harness.clock });
  const told: [string, object][] = [];
  const tell = (event: string, fields: object = {}): void => void told.push([event, fields]);
  const log: Log = { info: tell, warn: tell, error: tell };
  return {
    bench,
    system,
    drift,
    parts: {
      ledger: harness.ledger,
      clock: harness.clock,
      log,
      metrics: silentMetrics,
      drift,
      firstSeen: createFirstSeen(),
    },
    told,
    async minted(more) {
      const task = await bench.opened({ deadlineSeconds: 30 * 24 * 3600 });
      const lease = await bench.active(task, { ttlSeconds: 7 * 24 * 3600, worstCaseSeconds: 7 * 24 * 3600, ...more });
      system.make(lease.id, lease.id, harness.clock.now());
      return lease;
    },
    audit: async () => (await harness.ledger.listAudit({ taskId: null, after: null, limit: 200 })).entries,
    close: () => harness.close(),
  };
}
