/** A child process for the SIGKILL test: issues leases on a ledger and prints each id once it was told to be active. */
import { createBuilders } from "../../support/builders.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { openOrThrow, sqliteOptions } from "../../support/sqlite-harness.ts";

const [file = ""] = process.argv.slice(2);
const clock = createManualClock();
const ledger = await openOrThrow(sqliteOptions(file, clock));
const builders = createBuilders({ clock });
const task = await ledger.openTask(builders.openTask());
if (task.kind !== "ok") throw new Error("no task");

async function issue(taskId: (typeof task & { kind: "ok" })["value"]["id"]): Promise<void> {
  const intent = await ledger.recordIntent(builders.recordIntent(taskId));
  if (intent.kind !== "ok") throw new Error("no intent");
  const mint = await ledger.completeMint(builders.completeMint(intent.value.lease));
  if (mint.kind === "ok") process.stdout.write(`${mint.value.lease.id}\n`);
}

// Bounded, should the parent forget to kill it.
for (let round = 0; round < 2000; round += 1) {
  // oxlint-disable-next-line no-await-in-loop -- one commit after the other
  await Promise.all(Array.from({ length: 8 }, () => issue(task.value.id)));
}
