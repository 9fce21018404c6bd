/**
 * The three parts of a broker whose Workers share a Redis with nodes: the Redis, the Worker in its own runtime, and a
 * `mayfly serve --role worker` that kills. Asked are the Workers.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateRings } from "../../../src/entry/edge/key-rings.ts";
import { createSystemEntropy } from "../../../src/entry/system-clock.ts";
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { appendAlways, startRedis, type RedisServer } from "../redis-server.ts";
import { startChild, type Child } from "./child.ts";
import { createClient, type BrokerClient } from "./client.ts";
import { policyResources, yamlOf } from "./policy.ts";
import { startServers, type Servers } from "./servers.ts";
import { isUsable } from "./usable.ts";
import { startWorkerBroker, type WorkerBroker } from "./worker-broker.ts";

export interface GatewayWorld extends BrokerClient {
  readonly servers: Servers;
  readonly redis: RedisServer;
  /** The text of its only file. */
  readonly policy: string;
  readonly worker: WorkerBroker;
  /** The node that kills. */
  readonly killer: Child;
  /** One more node, of this role. */
  join(role: "api" | "worker"): Promise<{ readonly child: Child; readonly client: BrokerClient }>;
  /** The Redis is away while this runs, and back with its data afterwards. */
  withoutRedis(meanwhile: () => Promise<void>): Promise<void>;
  /** The runtime dies and is started again on its storage. */
  killWorker(): Promise<void>;
  isUsable(token: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface GatewayWish {
  readonly gateways?: number;
  /** Of the Worker and of the nodes. */
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: (servers: Servers) => readonly JsonObject[];
}

export async function startGatewayWorld(wish: GatewayWish = {}): Promise<GatewayWorld> {
  const servers = await startServers();
  let redis = await startRedis(appendAlways);
  const ledger = `redis://127.0.0.1:${redis.port}`;
  const rings = Object.entries(await generateRings(createSystemEntropy()));
  const policy = yamlOf(wish.resources?.(servers) ?? policyResources(servers.places));
  const env: Readonly<Record<string, string>> = {
    ...servers.secrets,
    ...Object.fromEntries(rings.map(([name, ring]) => [name, ring.reveal()])),
    ...wish.env,
  };
  const worker = await startWorkerBroker({
    policy,
    env: { ...env, MAYFLY_LEDGER: ledger, MAYFLY_GATEWAYS: String(wish.gateways ?? 2) },
    worker: "gateways",
  });
  const nodes = await startNodes({ policy, env, ledger, issuer: worker.publicUrl });
  const killer = await nodes.start("worker");
  const client = createClient(servers, () => ({ public: worker.publicUrl, admin: worker.adminUrl }));
  return {
    ...client,
    servers,
    get redis() {
      return redis;
    },
    policy,
    worker,
    killer: killer.child,
    async join(role) {
      const { child, urls } = await nodes.start(role);
      return { child, client: createClient(servers, () => urls) };
    },
    async withoutRedis(meanwhile) {
      redis.kill("SIGKILL");
      await redis.exited;
      await meanwhile();
      redis = await startRedis(appendAlways, redis);
    },
    async killWorker() {
      await worker.kill();
      await worker.startAgain();
    },
    isUsable: (token) => isUsable(client, servers, token),
    async close() {
      await nodes.close();
      await worker.close();
      await Promise.all([servers.close(), redis.stop()]);
    },
  };
}

interface NodesWish {
  readonly policy: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ledger: string;
  readonly issuer: string;
}

async function startNodes({ policy, env, ledger, issuer }: NodesWish) {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-gateway-"));
  const policyDir = join(folder, "policy");
  await mkdir(policyDir);
  await writeFile(join(policyDir, "policy.yaml"), policy);
  const common = ["--development", "--policy", policyDir, "--data", folder, "--ledger", ledger, "--issuer", issuer];
  common.push("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
  const started: Child[] = [];
  return {
    async start(role: "api" | "worker") {
      const child = startChild([...common, "--role", role], env);
      started.push(child);
      const { listen, admin } = await child.line("started");
      return { child, urls: { public: String(listen), admin: String(admin) } };
    },
    async close() {
      for (const child of started) child.signal("SIGKILL");
      await Promise.all(started.map(({ exited }) => exited));
      await rm(folder, { recursive: true });
    },
  };
}
