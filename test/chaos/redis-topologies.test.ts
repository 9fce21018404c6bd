/** A master that dies: Sentinels or a cluster promote a replica; a cluster without replicas waits for it to come back. */
import type { Scenario } from "../support/chaos/run.ts";
import { describeChaos } from "../support/chaos/describe-chaos.ts";
import { clusterStore, sentinelStore, type ClusterStore, type SentinelStore } from "../support/chaos/stores.ts";
import { redisCli, until } from "../support/redis-topologies.ts";
import type { RedisServer } from "../support/redis-server.ts";

const downMillis = 3_000;

const failover: Scenario<SentinelStore> = {
  name: "the master dies and Sentinels promote a replica",
  roles: ["all", "all"],
  start: sentinelStore,
  async strike({ store }) {
    store.trio.master.kill("SIGKILL");
    await store.trio.master.exited;
    await until(() => store.masterPorts().length === 1);
  },
};

/** The one that holds the most: some of the ends that are asked now are for it. */
function fullestMaster({ cluster }: ClusterStore): RedisServer {
  const keysOf = ({ port }: RedisServer): number => Number(redisCli(port, "dbsize"));
  const [master] = cluster.masters.toSorted((left, right) => keysOf(right) - keysOf(left));
  if (master === undefined) throw new Error("a cluster without masters");
  return master;
}

const clusters: readonly Scenario<ClusterStore>[] = [
  {
    name: "a master of a cluster is down for a while",
    roles: ["all", "all"],
    start: () => clusterStore(0),
    async strike({ store }) {
      const master = fullestMaster(store);
      master.kill("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, downMillis));
      await store.cluster.startAgain(master);
    },
  },
  {
    name: "a master of a cluster dies and its replica is promoted",
    roles: ["all", "all"],
    start: () => clusterStore(1),
    async strike({ store }) {
      const master = fullestMaster(store);
      master.kill("SIGKILL");
      await master.exited;
      await until(() => store.masterPorts().length === store.cluster.masters.length);
      // Until the promoted one has a replica again, it acknowledges nothing that matters.
      const back = await store.cluster.startAgain(master);
      await until(() => redisCli(back.port, "info", "replication").includes("master_link_status:up"));
    },
  },
];

describeChaos([failover]);
describeChaos(clusters);
