/** The counts that are kept aside agree with what is there, through every verb, a throwing one and a purge. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { createBuilders, operator } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";
import { createBench, endOf, sweep, valueOf } from "../../kit/ledger/bench.ts";

const folder = makeTemporaryFolder();
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "ledger.db");

function rowsLeft(): Record<string, unknown> {
  const db = new DatabaseSync(file, { readOnly: true });
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
  const tables = ["task", "task_tally", "lease", "counter", "rate", "idempotency", "kill_order"];
  const left = Object.fromEntries(tables.map((table) => [table, count(table)]));
  db.close();
  return left;
}

describe("sql: what is kept aside", () => {
  it("counts follow every change, and nothing is left when all is purged", async () => {
    const clock = createManualClock();
    const ledger = await openOrThrow(sqliteOptions(file, clock));
    const bench = createBench({ ledger, clock, restart: async () => {}, close: async () => {} });
    const builders = createBuilders({ clock, seed: 2 });
    const task = await bench.opened();
    const limits = [builders.taskLimit(task.id, 9)];
    const first = await bench.active(task, { limits });
    const second = await bench.intended(task, { limits });
    const broken = builders.recordIntent(task.id, { limits, automaticTask: builders.openTask() });
    await Promise.allSettled([
      ledger.recordIntent(broken),
      ledger.failMint({ leaseId: second.id, reason: "r", cause: operator }),
    ]);
    await bench.judge(await bench.dying(first), { kind: "dead-unverified" });
    const third = await bench.active(task, { limits });
    expect(await ledger.summarize(task.id)).toMatchObject({ live: 1, dead: 2, byState: { active: 1, mint_failed: 1 } });
    valueOf(await ledger.endTask(endOf(task.id)));
    await sweep(ledger);
    await bench.judge(await bench.dying(third), { kind: "dead-verified" });
    expect(await ledger.summarize(task.id)).toMatchObject({ live: 0, dead: 3, byState: { revoked: 2 } });
    expect((await ledger.health()).counts).toEqual({ openTasks: 0, liveLeases: 0, stuckLeases: 0 });
    clock.advance(8 * 24 * 3600 * 1000);
    valueOf(await ledger.purge(100));
    await ledger.close();
    expect(rowsLeft()).toEqual({
      task: 0,
      task_tally: 0,
      lease: 0,
      counter: 0,
      rate: 0,
      idempotency: 0,
      kill_order: 0,
    });
  });
});
