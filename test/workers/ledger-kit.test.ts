/** The Durable Object engine keeps the ledger's contract, in workerd. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { describeLedger } from "../kit/ledger/describe-ledger.ts";
import { makeObjectHarness } from "../support/worker/kit-harness.ts";
import { startWorker, type RunningWorker } from "../support/worker/workerd.ts";

const entry = fileURLToPath(new URL("../support/worker/kit-worker.ts", import.meta.url));

let worker: RunningWorker;
beforeAll(async () => {
  worker = await startWorker({ entry, objects: { SHARD: "KitShard" } });
});
afterAll(() => worker.close());

/** Its SQL is that of node:sqlite, which has the many runs: each step here is a request to another process. */
const lockstepRuns = 20;

describeLedger(
  "durable-object",
  makeObjectHarness(() => worker.url),
  { lockstepRuns },
);
