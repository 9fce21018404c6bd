/** A master that dies: Sentinels promote a replica; a cluster without replicas waits for it to come back. */
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

const cluster: Scenario<ClusterStore> = {
  name: "a master of a cluster is down for a while",
  roles: ["all", "all"],
  start: clusterStore,
  async strike({ store }) {
    // The one that holds the most: some of the ends that are asked now are for it.
    const keysOf = ({ port }: RedisServer): number => Number(redisCli(port, "dbsize"));
    const [master] = store.cluster.masters.toSorted((left, right) => keysOf(right) - keysOf(left));
    if (master === undefined) throw new Error("a cluster without masters");
    master.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, downMillis));
    await store.cluster.startAgain(master);
  },
};

describeChaos([failover]);
describeChaos([cluster]);
