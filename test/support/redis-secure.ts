/** Redis as it is run where the network is not trusted: TLS only, no default user, and Sentinels with a password. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/servers/child-server.ts";
import { launch, makeFolder, startRedis, type RedisServer } from "./redis-server.ts";
import type { Certificates } from "./certificates.ts";
import { until } from "./redis-topologies.ts";

export const secureMaster = "mayfly-master";
const users = [
  ["default", "off"],
  ["mayfly", "on", ">s3cret", "~mayfly{*}:*", "~mayfly:kill:{*}:*", "&mayfly:bell", "&mayfly:due", "+@all"],
  ["servers", "on", ">s3rvers", "~*", "&*", "+@all"],
];
const peers = { user: "servers", password: "s3rvers" };

const tlsSettings = ({ ca, cert, key }: Certificates): readonly (readonly [string, string])[] => [
  ["port", "0"],
  ["tls-cert-file", cert],
  ["tls-key-file", key],
  ["tls-ca-cert-file", ca],
  ["tls-auth-clients", "no"],
  ["tls-replication", "yes"],
];

async function startSecure(certificates: Certificates, more: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  const settings = tlsSettings(certificates).flatMap(([name, value]) => [`--${name}`, value]);
  const accounts = users.flatMap((words) => ["--user", ...words]);
  const own = ["--masteruser", peers.user, "--masterauth", peers.password, "--tls-port", String(port)];
  return startRedis([...settings, ...own, ...accounts, ...more], { port, folder: makeFolder() });
}

export interface SecureServers {
  /** Of the Sentinel, or of the first server. */
  readonly port: number;
  readonly hosts: string;
  stop(): Promise<unknown>;
}

/** A master with a replica, and one Sentinel that watches them. */
export async function startSecureSentinel(certificates: Certificates): Promise<SecureServers> {
  const master = await startSecure(certificates, []);
  const replica = await startSecure(certificates, ["--replicaof", "127.0.0.1", String(master.port)]);
  await until(() => askSecurely(certificates, replica.port, "info", "replication").includes("master_link_status:up"));
  const port = await freePort();
  const folder = makeFolder();
  const lines = [
    ...tlsSettings(certificates).map(([name, value]) => `${name} ${value}`),
    `tls-port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    "requirepass gu4rd",
    `sentinel monitor ${secureMaster} 127.0.0.1 ${master.port} 1`,
    `sentinel auth-user ${secureMaster} ${peers.user}`,
    `sentinel auth-pass ${secureMaster} ${peers.password}`,
  ];
  writeFileSync(join(folder, "sentinel.conf"), `${lines.join("\n")}\n`);
  const args = [join(folder, "sentinel.conf")];
  const sentinel = await launch({ command: "redis-sentinel", args, sign: "+monitor master", port, folder });
  const all = [sentinel, replica, master];
  return { port, hosts: `127.0.0.1:${port}`, stop: () => Promise.all(all.map((server) => server.stop())) };
}

/** Three masters that talk to each other over TLS, too. */
export async function startSecureCluster(certificates: Certificates): Promise<SecureServers> {
  const own = async (): Promise<readonly string[]> => {
    const bus = String(await freePort());
    return ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", bus];
  };
  const servers = await Promise.all([1, 2, 3].map(async () => startSecure(certificates, await own())));
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const login = ["--tls", "--cacert", certificates.ca, "--user", peers.user, "-a", peers.password];
  execFileSync("redis-cli", [...login, "--cluster", "create", ...addresses, "--cluster-yes"], { stdio: "ignore" });
  await until(() =>
    servers.every(({ port }) => askSecurely(certificates, port, "cluster", "info").includes("cluster_state:ok")),
  );
  return {
    port: servers[0]?.port ?? 0,
    hosts: addresses.join(","),
    stop: () => Promise.all(servers.map((server) => server.stop())),
  };
}

function askSecurely({ ca }: Certificates, port: number, ...args: readonly string[]): string {
  const login = ["--tls", "--cacert", ca, "--user", peers.user, "-a", peers.password, "--no-auth-warning"];
  return execFileSync("redis-cli", ["-p", String(port), ...login, ...args], { encoding: "utf8", stdio: "pipe" });
}
