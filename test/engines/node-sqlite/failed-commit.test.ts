/**
 * A COMMIT that fails leaves its outcome unknown: nothing is answered as done, and nothing is written any more. A verb
 * that fails is undone alone.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCommitQueue } from "../../../src/engines/node-sqlite/commit-queue.ts";
import { createNodeDriver } from "../../../src/engines/node-sqlite/node-driver.ts";
import { createStore } from "../../../src/engines/node-sqlite/store.ts";
import { startSqlCore } from "../../../src/engines/sql/core.ts";
import { createSqlLedger } from "../../../src/engines/sql/ledger.ts";
import type { Tx } from "../../../src/engines/sql/tx.ts";
import { openTask } from "../../../src/engines/sql/verbs/open-task.ts";
import { recordIntent } from "../../../src/engines/sql/verbs/record-intent.ts";
import type { Task } from "../../../src/domain/task.ts";
import type { Answer } from "../../../src/ports/ledger.ts";
import { expectChain } from "../../kit/ledger/audit.ts";
import { createBuilders } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { silentLog } from "../../support/silent.ts";
import { makeTemporaryFolder } from "../../support/sqlite-harness.ts";

let folder: string;
let db: DatabaseSync;
beforeEach(() => {
  folder = makeTemporaryFolder();
  db = new DatabaseSync(join(folder, "ledger.db"));
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** The engine on a connection that the test can make fail. */
function openParts() {
  const clock = createManualClock();
  const core = startSqlCore({ sql: createNodeDriver(db), clock });
  if (!core.ok) throw new Error(core.fault.reason);
  const fatal: string[] = [];
  const ballast = { bytes: 0, ensure: () => true, release: () => {} };
  const onFatal = (reason: string) => void fatal.push(reason);
  const store = createStore({ db, core: core.value, ballast, clock, log: silentLog, isFull: false, onFatal });
  const queue = createCommitQueue((batch) => store.commit(batch));
  const ledger = createSqlLedger({ submit: (verb) => queue.submit(verb), view: () => core.value.view() });
  return { core: core.value, fatal, store, queue, ledger, builders: createBuilders({ clock }) };
}

describe("a failed commit", () => {
  it("answers unknown, stops the engine once, and refuses everything after it", async () => {
    const { core, fatal, store, ledger, builders } = openParts();
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
    expect(core.health(store.condition())).toMatchObject({ suspended: "stopped", counts: { openTasks: 1 } });
  });
});

describe("a verb that wrote and then threw", () => {
  it("leaves nothing of itself, and all of its neighbours", async () => {
    const { core, store, queue, ledger, builders } = openParts();
    const first = builders.openTask();
    const intent = builders.recordIntent(first.task.id);
    const run = (tx: Tx): Answer<Task, never> => {
      openTask(tx, builders.openTask());
      recordIntent(tx, builders.recordIntent(first.task.id));
      tx.setStore({ ...tx.store, restoring: true });
      throw new Error("a bug");
    };
    const [opened, thrown, intended] = await Promise.allSettled([
      ledger.openTask(first),
      queue.submit({ isKill: false, leaseId: null, run }),
      ledger.recordIntent(intent),
    ]);
    expect(opened).toMatchObject({ status: "fulfilled", value: { kind: "ok" } });
    expect(thrown).toMatchObject({ status: "rejected", reason: { message: "a bug" } });
    expect(intended).toMatchObject({ status: "fulfilled", value: { kind: "ok" } });
    const counts = { openTasks: 1, liveLeases: 1, stuckLeases: 0 };
    expect(core.health(store.condition())).toMatchObject({ suspended: null, counts });
    expect(await ledger.summarize(first.task.id)).toMatchObject({ live: 1, dead: 0 });
    const { entries } = await ledger.listAudit({ taskId: null, after: null, limit: 10 });
    expect(entries.map((entry) => [entry.sequence, entry.type])).toEqual([
      [1, "task.opened"],
      [2, "lease.intended"],
    ]);
    await expectChain(entries);
  });
});
