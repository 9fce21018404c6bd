/** The servers that hold a ledger in the failure runs, as production would run them: every write on disk. */
import { appendAlways, startRedis, type RedisServer } from "../redis-server.ts";
import {
  masterName,
  redisCli,
  startCluster,
  startSentinels,
  type RedisCluster,
  type SentinelTrio,
} from "../redis-topologies.ts";
import type { Store } from "./run.ts";

const shards = "shards=8";

export interface OneRedis extends Store {
  server(): RedisServer;
  /** After it died: on the same port, with what is on its disk. */
  startAgain(): Promise<void>;
}

export async function oneRedis(): Promise<OneRedis> {
  let server = await startRedis(appendAlways);
  return {
    ledger: `redis://127.0.0.1:${server.port}?${shards}`,
    masterPorts: () => [server.port],
    server: () => server,
    async startAgain() {
      await server.exited;
      server = await startRedis(appendAlways, server);
    },
    stop: () => server.stop(),
  };
}

export interface SentinelStore extends Store {
  readonly trio: SentinelTrio;
}

export async function sentinelStore(): Promise<SentinelStore> {
  const trio = await startSentinels(2);
  const isMaster = ({ port }: RedisServer): boolean => redisCli(port, "info", "replication").includes("role:master");
  return {
    trio,
    ledger: `redis://${trio.hosts}?sentinel=${masterName}&${shards}`,
    masterPorts: () => [trio.master, ...trio.replicas].filter(isMaster).map(({ port }) => port),
    stop: () => trio.stop(),
  };
}

export interface ClusterStore extends Store {
  readonly cluster: RedisCluster;
}

export async function clusterStore(replicasOfEach: 0 | 1): Promise<ClusterStore> {
  const cluster = await startCluster([...appendAlways, "--cluster-require-full-coverage", "no"], replicasOfEach);
  return {
    cluster,
    ledger: `redis://${cluster.hosts}?${shards}`,
    masterPorts: () => cluster.masterPorts(),
    stop: () => cluster.stop(),
  };
}
