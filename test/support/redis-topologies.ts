/** Redis as it is run by those who cannot lose it: a master with a replica and three Sentinels, a cluster, TLS. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { freePort } from "../../scripts/servers/child-server.ts";
import { appendAlways, launch, makeFolder, startRedis, type RedisServer } from "./redis-server.ts";

export interface SentinelTrio {
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  /** For a URL: `host:port,host:port,host:port`. */
  readonly hosts: string;
  stop(): Promise<void>;
}

export const masterName = "mayfly-master";

const hostsOf = (servers: readonly RedisServer[]): string => servers.map(({ port }) => `127.0.0.1:${port}`).join(",");

export async function startSentinels(replicaCount: number): Promise<SentinelTrio> {
  const master = await startRedis(appendAlways);
  const replicas = await Promise.all(Array.from({ length: replicaCount }, () => startReplica(master, appendAlways)));
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master.port)));
  await until(() =>
    sentinels.every(({ port }) => redisCli(port, "sentinel", "ckquorum", masterName).startsWith("OK 3 usable")),
  );
  // Without a replica that they know of they could elect none.
  const know = (port: number): boolean => {
    const told = redisCli(port, "sentinel", "replicas", masterName);
    return replicas.every((replica) => told.includes(`127.0.0.1:${replica.port}`));
  };
  await until(() => sentinels.every(({ port }) => know(port)));
  const all = [...sentinels, master, ...replicas];
  return {
    master,
    replicas,
    sentinels,
    hosts: hostsOf(sentinels),
    stop: async () => void (await Promise.all(all.map((server) => server.stop()))),
  };
}

export async function startReplica(master: RedisServer, args: readonly string[] = []): Promise<RedisServer> {
  const replica = await startRedis([...args, "--replicaof", "127.0.0.1", String(master.port)]);
  await until(() => redisCli(replica.port, "info", "replication").includes("master_link_status:up"));
  return replica;
}

async function startSentinel(masterPort: number): Promise<RedisServer> {
  const port = await freePort();
  const folder = makeFolder();
  const file = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 3000`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return launch({ command: "redis-sentinel", args: [file], sign: "+monitor master", port, folder });
}

export interface RedisCluster {
  /** As they were made. */
  readonly masters: readonly RedisServer[];
  /** Of the servers that hold slots now; each slot has one that lives. */
  masterPorts(): readonly number[];
  /** Starts a server that is down where it was, with its data. */
  startAgain(server: RedisServer): Promise<RedisServer>;
  /** One more, of the first master; resolves when it has its copy. */
  addReplica(): Promise<RedisServer>;
  readonly hosts: string;
  stop(): Promise<void>;
}

const mastersOfCluster = 3;

export async function startCluster(
  args: readonly string[] = appendAlways,
  replicasOfEach: 0 | 1 = 0,
  state: "online" | "wait_bgsave" = "online",
): Promise<RedisCluster> {
  const count = mastersOfCluster * (1 + replicasOfEach);
  const nodes = await Promise.all(Array.from({ length: count }, () => startClusterNode(args)));
  const started = nodes.map(({ server }) => server);
  const addresses = started.map(({ port }) => `127.0.0.1:${port}`);
  const wish = ["--cluster-replicas", String(replicasOfEach), "--cluster-yes"];
  execFileSync("redis-cli", ["--cluster", "create", ...addresses, ...wish], { stdio: "ignore" });
  await until(() => started.every(({ port }) => redisCli(port, "cluster", "info").includes("cluster_state:ok")));
  const roleOf = ({ port }: RedisServer): string => redisCli(port, "info", "replication");
  const masters = started.filter((server) => roleOf(server).includes("role:master"));
  // A replica counts as connected while it still waits for its first copy, and then it cannot be promoted.
  await until(() => masters.every((server) => roleOf(server).split(`state=${state}`).length === 1 + replicasOfEach));
  return {
    masters,
    masterPorts: () => started.filter((server) => roleOf(server).includes("role:master")).map(({ port }) => port),
    hosts: hostsOf(started),
    async startAgain(server) {
      await server.exited;
      const node = nodes.find((one) => one.server === server);
      const again = await startRedis(node?.settings, server);
      started.splice(started.indexOf(server), 1, again);
      return again;
    },
    async addReplica() {
      const [master] = masters;
      if (master === undefined) throw new Error("no master");
      const { server, busPort } = await startClusterNode(args);
      started.push(server);
      const id = redisCli(master.port, "cluster", "myid").trim();
      redisCli(master.port, "cluster", "meet", "127.0.0.1", String(server.port), String(busPort));
      await until(() => redisCli(server.port, "cluster", "replicate", id).startsWith("OK"));
      await until(() => roleOf(master).includes("state=online"));
      return server;
    },
    stop: async () => void (await Promise.all(started.map((server) => server.stop()))),
  };
}

/** The bus has a port of its own, or it would be one above 65535 for many a free port. */
async function startClusterNode(args: readonly string[]) {
  const busPort = await freePort();
  const own = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", String(busPort)];
  const settings = [...own, ...args];
  return { settings, busPort, server: await startRedis(settings) };
}

/** Speaks TLS only. */
export async function startTlsRedis(certificates: Certificates, args: readonly string[] = []): Promise<RedisServer> {
  const { ca, cert, key } = certificates;
  const port = await freePort();
  const tls = ["--tls-port", String(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca];
  return startRedis(["--port", "0", ...tls, "--tls-auth-clients", "no", ...args], { port, folder: makeFolder() });
}

/** What redis-cli prints; empty where the server does not answer. */
export function redisCli(port: number, ...args: readonly string[]): string {
  try {
    return execFileSync("redis-cli", ["-p", String(port), ...args], {
      encoding: "utf8",
      stdio: "pipe",
      timeout: 5_000,
    });
  } catch {
    return "";
  }
}

/** Asks until it holds, for at most a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  // oxlint-disable-next-line no-await-in-loop -- one question after the other
  while (!(await holds())) {
    if (performance.now() > end) throw new Error("it did not come to hold within a minute");
    // Questions to servers are processes: asked without a rest they would take the servers' own time.
    // oxlint-disable-next-line no-await-in-loop -- a pause between two questions
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
