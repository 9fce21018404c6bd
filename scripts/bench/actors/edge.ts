/** The same broker as a Worker: in workerd, with its ledger in Durable Objects. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateRings } from "../../../src/entry/edge/key-rings.ts";
import { createSystemEntropy } from "../../../src/entry/system-clock.ts";
import { startWorker, type RunningWorker } from "../../../test/support/worker/workerd.ts";
import { serveActor } from "../actor.ts";

interface Wish {
  readonly policyDir: string;
  readonly issuer: string;
  readonly shards: number;
}

const entry = fileURLToPath(new URL("../../../test/support/worker/flow-worker.ts", import.meta.url));
let worker: RunningWorker | undefined;

process.on("disconnect", () => void worker?.kill("SIGKILL"));

/** The policy, and the key set that lies beside its folder. */
function filesOf(policyDir: string): readonly { readonly path: string; readonly text: string }[] {
  const keyFile = join(dirname(policyDir), "keys.json");
  const policy = readdirSync(policyDir).map((path) => ({ path, text: readFileSync(join(policyDir, path), "utf8") }));
  return [...policy, { path: keyFile, text: readFileSync(keyFile, "utf8") }];
}

serveActor({
  async start({ policyDir, issuer, shards }: Wish) {
    const rings = Object.entries(await generateRings(createSystemEntropy()));
    worker = await startWorker({
      entry,
      objects: { SHARD: "Shard" },
      env: {
        MAYFLY_DEVELOPMENT: "1",
        MAYFLY_ISSUER: issuer,
        MAYFLY_SHARDS: String(shards),
        MAYFLY_LOG_LEVEL: "warn",
        TEST_POLICY: JSON.stringify(filesOf(policyDir)),
        ...Object.fromEntries(rings.map(([name, ring]) => [name, ring.reveal()])),
      },
    });
    return worker.url;
  },
  close: () => worker?.close(),
});
