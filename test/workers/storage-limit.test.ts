/** An object that is nearly full issues nothing more, and still ends, kills and records: in workerd's own storage. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { broker, createBuilders } from "../support/builders.ts";
import { makeObjectHarness } from "../support/worker/kit-harness.ts";
import { startWorker, type RunningWorker } from "../support/worker/workerd.ts";

const entry = fileURLToPath(new URL("../support/worker/kit-worker.ts", import.meta.url));

let worker: RunningWorker;
beforeAll(async () => {
  worker = await startWorker({ entry, objects: { SHARD: "KitShard" } });
});
afterAll(() => worker.close());

it("issues up to the bound, kills beyond it, and issues again below it", async () => {
  let maxIssuingBytes = 100_000_000;
  const makeHarness = makeObjectHarness(
    () => worker.url,
    () => ({ maxIssuingBytes }),
  );
  const bench = await makeHarness();
  const build = createBuilders({ clock: bench.clock });
  const opened = await bench.ledger.openTask(build.openTask());
  if (opened.kind !== "ok") throw new Error("no task");
  const taskId = opened.value.id;
  const intent = await bench.ledger.recordIntent(build.recordIntent(taskId));
  if (intent.kind !== "ok") throw new Error("no intent");
  expect((await bench.ledger.completeMint(build.completeMint(intent.value.lease))).kind).toBe("ok");

  maxIssuingBytes = 1;
  await bench.restart();
  expect(await bench.ledger.recordIntent(build.recordIntent(taskId))).toMatchObject({ kind: "conflict" });
  expect((await bench.ledger.health()).suspended).toBe("disk_full");
  const cause = broker;
  const ended = await bench.ledger.endTask({ taskId, outcome: "completed", reason: null, cause });
  expect(ended.kind).toBe("ok");
  expect((await bench.ledger.expandKillOrders(10)).kind).toBe("ok");
  expect((await bench.ledger.readLease(intent.value.lease.id))?.lease.state.kind).toBe("revoking");

  maxIssuingBytes = 100_000_000;
  await bench.restart();
  const next = await bench.ledger.openTask(build.openTask());
  if (next.kind !== "ok") throw new Error("no task");
  expect((await bench.ledger.recordIntent(build.recordIntent(next.value.id))).kind).toBe("ok");
});
