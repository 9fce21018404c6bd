/**
 * A broker as `mayfly serve` composes it (real ledger, real HTTP, real providers), in this process so that it can be
 * stopped and started on the same ledger. What a flow sees of it is what any client sees.
 */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker, type Running } from "../../../src/entry/serve.ts";
import type { Environment, ServeOptions } from "../../../src/entry/config.ts";
import { parseLedger } from "../../../src/entry/ledger-choice.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { millis } from "../../../src/kernel/time.ts";
import { isOnGateway, isOnWorkers } from "../ledger-kind.ts";
import { createClient, type BrokerClient } from "./client.ts";
import { startEdgeWorld, type EdgeWorld } from "./edge-world.ts";
import { startFlowLedger, type FlowLedger } from "./ledger.ts";
import { startGatewayWorld } from "./gateway-world.ts";
import { policyResources, yamlOf } from "./policy.ts";
import { startServers, type Servers } from "./servers.ts";
import { isUsable } from "./usable.ts";
import { shardsOfFlows, type WorkerBroker } from "./worker-broker.ts";

export interface FlowWorld extends BrokerClient {
  readonly servers: Servers;
  readonly folder: string;
  readonly policyFile: string;
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** Whether the token is good where it would be used: at its OAuth server, or at an API that asks the broker. */
  isUsable(token: string): Promise<boolean>;
  /** Stops and starts on the same ledger, files and ports. `meanwhile` runs while the broker is down, `env` is for good. */
  restart(meanwhile?: () => Promise<void>, env?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

export interface FlowWish {
  /** Instead of one as the other flows have; closed with the world. */
  readonly ledger?: FlowLedger;
  /** Key rings; made in the data folder unless told. */
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: (servers: Servers) => readonly JsonObject[];
}

export function startFlow(wish: FlowWish = {}): Promise<FlowWorld> {
  if (wish.ledger !== undefined) return startNodeFlow(wish);
  return isOnWorkers ? startWorkerFlow(wish) : isOnGateway ? startGatewayFlow(wish) : startNodeFlow(wish);
}

/** As a Worker that shares a Redis with a node. A restart is one of the Worker alone. */
async function startGatewayFlow(wish: FlowWish): Promise<FlowWorld> {
  const world = await startGatewayWorld(wish);
  return {
    ...world,
    folder: world.worker.storage,
    policyFile: "",
    publicUrl: world.worker.publicUrl,
    adminUrl: world.worker.adminUrl,
    async restart(meanwhile = async () => {}) {
      await world.worker.kill();
      await meanwhile();
      await world.worker.startAgain();
    },
  };
}

/** The same as a Worker. Its policy is deployed with it: there is no file whose change it would see. */
export async function startWorkerFlow(wish: FlowWish = {}): Promise<FlowWorld & EdgeWorld> {
  const world = await startEdgeWorld(wish);
  const { broker, servers } = world;
  let env: Readonly<Record<string, string>> = {};
  return {
    ...world,
    folder: broker.storage,
    policyFile: "",
    publicUrl: broker.publicUrl,
    adminUrl: broker.adminUrl,
    isUsable: (token) => isUsable(world, servers, token),
    async restart(meanwhile = async () => {}, changes = {}) {
      env = { ...env, ...changes };
      await broker.kill();
      await meanwhile();
      await broker.startAgain(env);
      await refuseLikeServe(broker);
    },
  };
}

/** A Worker always starts. What would keep `mayfly serve` from starting keeps its objects from answering, and is in the log. */
async function refuseLikeServe(broker: WorkerBroker): Promise<void> {
  // A task that is nobody's is asked of the object that its id names.
  const tasks = Array.from({ length: shardsOfFlows }, (_, shard) => `tsk_${String(shard).padStart(21, "0")}`);
  const answers = await Promise.all(tasks.map((task) => fetch(`${broker.publicUrl}/tasks/${task}`)));
  if (answers.every(({ status }) => status !== 503)) return;
  const refusal = broker
    .text()
    .split("\n")
    .findLast((line) => line.includes("broker_not_composed"));
  throw new Error(refusal ?? "the Worker does not answer");
}

async function startNodeFlow(wish: FlowWish): Promise<FlowWorld> {
  const servers = await startServers();
  const folder = await mkdtemp(join(tmpdir(), "mayfly-flow-"));
  const policyDir = join(folder, "policy");
  const policyFile = join(policyDir, "policy.yaml");
  const ledger = wish.ledger ?? (await startFlowLedger(join(folder, "data", "ledger.db")));
  const chosen = parseLedger(ledger.setting, "environment");
  if (!chosen.ok) throw new Error(chosen.fault.message);
  await mkdir(policyDir);
  await mkdir(join(folder, "data"));
  await writeFile(policyFile, yamlOf(wish.resources?.(servers) ?? policyResources(servers.places)));

  const options: ServeOptions = {
    policyDir,
    ledger: chosen.value,
    acceptedLoss: null,
    dataDir: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    adminListen: { host: "127.0.0.1", port: 0 },
    issuerUrl: null,
    mode: "development",
    sealingKeys: { kind: "none" },
    signingKeys: { kind: "none" },
    logLevel: "silent",
    role: "all",
    stopTimeout: millis(20_000),
  };
  let env: Environment = { ...servers.secrets, ...wish.env };
  let running = await start(options, env);
  const client = createClient(servers, () => ({ public: running.publicUrl, admin: running.adminUrl }));
  return {
    ...client,
    servers,
    folder,
    policyFile,
    get publicUrl() {
      return running.publicUrl;
    },
    get adminUrl() {
      return running.adminUrl;
    },
    isUsable: (token) => isUsable(client, servers, token),
    async restart(meanwhile = async () => {}, changes = {}) {
      const ports = [running.publicUrl, running.adminUrl].map((url) => Number(new URL(url).port));
      const [port = 0, adminPort = 0] = ports;
      env = { ...env, ...changes };
      await running.stop();
      await meanwhile();
      const { listen, adminListen } = options;
      running = await start(
        { ...options, listen: { ...listen, port }, adminListen: { ...adminListen, port: adminPort } },
        env,
      );
    },
    async close() {
      await running.stop();
      await Promise.all([servers.close(), ledger.close()]);
      await rm(folder, { recursive: true });
    },
  };
}

function keysFrom(name: string, env: Environment): ServeOptions["sealingKeys"] {
  return env[name] === undefined ? { kind: "none" } : { kind: "env", name };
}

async function start(options: ServeOptions, env: Environment): Promise<Running> {
  const keys = {
    sealingKeys: keysFrom("MAYFLY_SEALING_KEYS", env),
    signingKeys: keysFrom("MAYFLY_SIGNING_KEYS", env),
  };
  const started = await startBroker({ ...options, ...keys }, env);
  if (!started.ok) throw new Error(`${started.fault.setting} ${started.fault.message}`);
  return started.value;
}
