/** What stands behind a door, counted in pages while the ledger moves on: each once, and none that stayed is missed. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, it } from "vitest";
import { createCommitQueue } from "../../../src/engines/node-sqlite/commit-queue.ts";
import { createNodeDriver } from "../../../src/engines/node-sqlite/node-driver.ts";
import { createStore } from "../../../src/engines/node-sqlite/store.ts";
import { startSqlCore } from "../../../src/engines/sql/core.ts";
import { createSqlLedger } from "../../../src/engines/sql/ledger.ts";
import { createDoorCount } from "../../../src/engines/sql/reads/door-count.ts";
import type { Lease } from "../../../src/domain/lease.ts";
import { millis } from "../../../src/kernel/time.ts";
import { valueOf } from "../../kit/ledger/bench.ts";
import { createBuilders, operator, providerName } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { silentLog } from "../../support/silent.ts";
import { makeTemporaryFolder } from "../../support/sqlite-harness.ts";

const folder = makeTemporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

function openLedger() {
  const clock = createManualClock();
  const db = new DatabaseSync(join(folder, "count.db"));
  const core = startSqlCore({ sql: createNodeDriver(db), clock });
  if (!core.ok) throw new Error(core.fault.reason);
  const ballast = { bytes: 0, ensure: () => true, release: () => {} };
  const store = createStore({ db, core: core.value, ballast, clock, log: silentLog, isFull: false, onFatal: () => {} });
  const queue = createCommitQueue((batch) => store.commit(batch));
  const view = () => core.value.view();
  return { db, clock, view, ledger: createSqlLedger({ submit: (verb) => queue.submit(verb), view }) };
}

it("counts in pages what moves between them", async () => {
  const { db, clock, view, ledger } = openLedger();
  try {
    const build = createBuilders({ clock });
    const leases: Lease[] = [];
    for (let made = 0; made < 12; made += 1) {
      const task = valueOf(await ledger.openTask(build.openTask()));
      const at = providerName(made % 3 === 0 ? "other" : "ledger-db");
      const { lease } = valueOf(await ledger.recordIntent(build.recordIntent(task.id, { lease: { provider: at } })));
      leases.push(valueOf(await ledger.completeMint(build.completeMint(lease))).lease);
    }
    valueOf(await ledger.openTask(build.openTask()));
    const count = createDoorCount({ kind: "all" }, 2);
    let pages = 1;
    while (count.next(view())) {
      const lease = leases[pages % leases.length];
      if (lease === undefined) throw new Error("no lease");
      const order = { leaseId: lease.id, killCause: "requested", delay: millis(0), cause: operator } as const;
      // What was counted as active becomes due, ahead of the count.
      valueOf(await ledger.makeDue(order));
      pages += 1;
    }
    expect(pages).toBeGreaterThan(12);
    expect(count.result()).toEqual({ tasks: 13, leases: 12, byProvider: { other: 4, "ledger-db": 8 } });
    expect(await ledger.blastRadius({ kind: "all" })).toEqual(count.result());
  } finally {
    db.close();
  }
});
