/** The flows' broker as a Worker: the runtime itself, on ports of its own, its ledger in Durable Objects or on a Redis. */
import { fileURLToPath } from "node:url";
import { generateRings } from "../../../src/entry/edge/key-rings.ts";
import { createSystemEntropy } from "../../../src/entry/system-clock.ts";
import { freePort } from "../../../scripts/servers/child-server.ts";
import { startWorker } from "../worker/workerd.ts";

const entryOf = (file: string): string => fileURLToPath(new URL(`../worker/${file}`, import.meta.url));

const workers = {
  shards: { entry: entryOf("flow-worker.ts"), objects: { SHARD: "Shard" } },
  gateways: { entry: entryOf("gateway-worker.ts"), objects: { GATEWAY: "Gateway" } },
} as const;

/** Unless a test asks for others. */
export const shardsOfFlows = 3;

export interface WorkerBroker {
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** All that it wrote to its log. */
  text(): string;
  /** Where its ledger is. */
  readonly storage: string;
  kill(): Promise<void>;
  /** `changes` of the environment are for this start alone. */
  startAgain(changes?: Readonly<Record<string, string>>): Promise<void>;
  /** How often an alarm woke each object, by its name. */
  alarms(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startWorkerBroker(options: {
  readonly policy: string;
  readonly env: Readonly<Record<string, string>>;
  readonly shards?: number;
  /** Which of the two Workers; the one that keeps the ledger itself unless told. */
  readonly worker?: keyof typeof workers;
  /** Certificates of an authority that it trusts besides, as PEM. */
  readonly trusted?: string;
}): Promise<WorkerBroker> {
  const { worker: kind = "shards", trusted } = options;
  const ports = [await freePort(), await freePort()];
  const [publicHost, adminHost] = ports.map((port) => `127.0.0.1:${port}`);
  const rings = Object.entries(await generateRings(createSystemEntropy()));
  const settings: Readonly<Record<string, string>> = {
    MAYFLY_DEVELOPMENT: "1",
    MAYFLY_ISSUER: `http://${publicHost}`,
    MAYFLY_ADMIN_HOST: adminHost ?? "",
    MAYFLY_SHARDS: String(options.shards ?? shardsOfFlows),
    MAYFLY_LOG_LEVEL: "debug",
    TEST_POLICY: JSON.stringify([{ path: "policy.yaml", text: options.policy }]),
    ...Object.fromEntries(rings.map(([name, ring]) => [name, ring.reveal()])),
  };
  const env = { ...settings, ...options.env };
  const worker = await startWorker({ ...workers[kind], ports, env, ...(trusted !== undefined && { trusted }) });
  return {
    publicUrl: `http://${publicHost}`,
    adminUrl: `http://${adminHost}`,
    text: () => worker.text(),
    storage: worker.storage,
    kill: () => worker.kill("SIGKILL"),
    startAgain: (changes = {}) => worker.startAgain({ ...env, ...changes }),
    alarms() {
      const woken = [...worker.text().matchAll(/^alarm of (.+)$/gm)].map(([, name = ""]) => name);
      return new Map([...Map.groupBy(woken, (name) => name)].map(([name, all]) => [name, all.length]));
    },
    close: () => worker.close(),
  };
}
