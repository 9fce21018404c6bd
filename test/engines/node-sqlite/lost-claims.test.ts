/** After a crash the claims of the dead process are given back at once, because the lock proves that it is gone. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { millis } from "../../../src/kernel/time.ts";
import { broker, createBuilders, ledgerTarget } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { makeTemporaryFolder, openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";

let folder: string;
beforeEach(() => {
  folder = makeTemporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

it("lost claims: held over a restart until they are released, then due at once under a new fence", async () => {
  const clock = createManualClock();
  const options = sqliteOptions(join(folder, "ledger.db"), clock);
  const make = createBuilders({ clock });
  let ledger = await openOrThrow(options);
  const task = make.openTask();
  await ledger.openTask(task);
  await ledger.recordIntent(make.recordIntent(task.task.id));
  await ledger.endTask({ taskId: task.task.id, outcome: "completed", reason: null, cause: broker });
  await ledger.expandKillOrders(500);
  const claim = { target: ledgerTarget, limit: 50, claim: millis(30_000) };
  expect(await ledger.claimDue({ ...claim, fence: "dead" })).toMatchObject({ value: [{ taskId: task.task.id }] });
  await ledger.close();

  ledger = await openOrThrow(options);
  expect(await ledger.claimDue({ ...claim, fence: "early" })).toMatchObject({ value: [] });
  await ledger.releaseLostClaims();
  expect((await ledger.dueWork()).targets).toMatchObject([{ target: ledgerTarget }]);
  expect(await ledger.claimDue({ ...claim, fence: "next" })).toMatchObject({ value: [{ taskId: task.task.id }] });
  await ledger.close();
});
