/** The flows' world with the broker as a Worker, which can be killed and started again without anybody asking it anything. */
import type { JsonObject } from "../../../src/kernel/canonical-json.ts";
import { createClient, type BrokerClient } from "./client.ts";
import { policyResources, yamlOf } from "./policy.ts";
import { startServers, type Servers } from "./servers.ts";
import { startWorkerBroker, type WorkerBroker } from "./worker-broker.ts";

export interface EdgeWish {
  readonly shards?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: (servers: Servers) => readonly JsonObject[];
}

export interface EdgeWorld extends BrokerClient {
  readonly servers: Servers;
  readonly broker: WorkerBroker;
  close(): Promise<void>;
}

export async function startEdgeWorld({ shards, env = {}, resources }: EdgeWish = {}): Promise<EdgeWorld> {
  const servers = await startServers();
  const broker = await startWorkerBroker({
    policy: yamlOf(resources?.(servers) ?? policyResources(servers.places)),
    env: { ...servers.secrets, ...env },
    ...(shards !== undefined && { shards }),
  });
  return {
    ...createClient(servers, () => ({ public: broker.publicUrl, admin: broker.adminUrl })),
    servers,
    broker,
    async close() {
      await broker.close();
      await servers.close();
    },
  };
}
