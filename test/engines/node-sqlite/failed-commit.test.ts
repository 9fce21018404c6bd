/** A COMMIT that fails leaves its outcome unknown: nothing is answered as done, and nothing is written any more. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { createCommitQueue } from "../../../src/engines/node-sqlite/commit-queue.ts";
import { createNodeDriver } from "../../../src/engines/node-sqlite/node-driver.ts";
import { createStore } from "../../../src/engines/node-sqlite/store.ts";
import { startSqlCore } from "../../../src/engines/sql/core.ts";
import { createSqlLedger } from "../../../src/engines/sql/ledger.ts";
import { createBuilders } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { silentLog } from "../../support/silent.ts";
import { makeTemporaryFolder } from "../../support/sqlite-harness.ts";

const folder = makeTemporaryFolder();
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a failed commit", () => {
  it("answers unknown, stops the engine once, and refuses everything after it", async () => {
    const clock = createManualClock();
    const db = new DatabaseSync(join(folder, "ledger.db"));
    const core = startSqlCore({ sql: createNodeDriver(db), clock });
    if (!core.ok) throw new Error(core.fault.reason);
    const fatal: string[] = [];
    const ballast = { bytes: 0, ensure: () => true, release: () => {} };
    const onFatal = (reason: string) => void fatal.push(reason);
    const store = createStore({ db, core: core.value, ballast, clock, log: silentLog, isFull: false, onFatal });
    const queue = createCommitQueue((batch) => store.commit(batch));
    const ledger = createSqlLedger({ submit: (verb) => queue.submit(verb), view: () => core.value.view() });
    const builders = createBuilders({ clock });

    expect(await ledger.openTask(builders.openTask())).toMatchObject({ kind: "ok" });
    db.setAuthorizer((action, operation) =>
      action === constants.SQLITE_TRANSACTION && operation === "COMMIT" ? constants.SQLITE_DENY : constants.SQLITE_OK,
    );
    const both = await Promise.all([ledger.openTask(builders.openTask()), ledger.openTask(builders.openTask())]);
    expect(both).toEqual([
      { kind: "unknown", reason: "stopped" },
      { kind: "unknown", reason: "stopped" },
    ]);
    expect(store.condition()).toBe("stopped");
    db.setAuthorizer(null);
    expect(await ledger.openTask(builders.openTask())).toEqual({ kind: "unknown", reason: "stopped" });
    expect(fatal).toHaveLength(1);
    expect(core.value.health(store.condition())).toMatchObject({ suspended: "stopped", counts: { openTasks: 1 } });
    db.close();
  });
});
