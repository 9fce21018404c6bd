/**
 * An AWS-compatible STS, IAM and S3 on loopback and in memory: Ceph's RADOS Gateway, with the one monitor and the one
 * store that it needs. Each process is our child, and is only ever stopped by its own process id.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, makeFolder } from "./child-server.ts";

export interface RgwKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Rgw {
  /** STS, IAM and S3 answer under the same address. */
  readonly url: string;
  /** May manage roles and identity providers. */
  readonly broker: RgwKeys;
  /** Owns buckets. */
  readonly owner: RgwKeys;
  /** Another user, with these administration rights (`roles=*`); none for an empty text. */
  addUser(name: string, rights: string): Promise<RgwKeys>;
  /** Changes the rights of a user from now on. */
  setRights(name: string, rights: { readonly add?: string; readonly remove?: string }): Promise<void>;
  close(): Promise<void>;
}

const startLimitMillis = 60_000;

export async function startRgw(): Promise<Rgw> {
  const folder = makeFolder("rgw");
  const [monPort, rgwPort] = [await freePort(), await freePort()];
  const cluster = openCluster(folder);
  try {
    writeFileSync(cluster.configuration, configurationOf({ folder, monPort, rgwPort }));
    await cluster.makeMonitor(monPort);
    const url = `http://127.0.0.1:${rgwPort}`;
    await cluster.makeStore();
    cluster.start("radosgw", ["-n", "client.rgw"]);
    await cluster.until(async () => (await fetch(url)).ok);
    const addUser = async (name: string, rights: string): Promise<RgwKeys> => {
      const keys = { accessKeyId: name.toUpperCase(), secretAccessKey: `${name}-secret-${crypto.randomUUID()}` };
      const identity = [`--uid=${name}`, `--display-name=${name}`];
      const secrets = [`--access-key=${keys.accessKeyId}`, `--secret=${keys.secretAccessKey}`];
      const caps = rights === "" ? [] : [`--caps=${rights}`];
      await cluster.run("radosgw-admin", ["user", "create", ...identity, ...secrets, ...caps]);
      return keys;
    };
    return {
      url,
      broker: await addUser("broker", "roles=*;oidc-provider=*;user-policy=*"),
      owner: await addUser("owner", ""),
      addUser,
      async setRights(name, { add, remove }) {
        for (const [verb, caps] of [
          ["add", add],
          ["rm", remove],
        ] as const)
          if (caps !== undefined) await cluster.run("radosgw-admin", ["caps", verb, `--uid=${name}`, `--caps=${caps}`]);
      },
      close: () => cluster.close(),
    };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

function openCluster(folder: string) {
  const configuration = join(folder, "ceph.conf");
  const children = new Set<ChildProcess>();
  const options = { cwd: folder, env: { ...process.env, CEPH_CONF: configuration, CEPH_ARGS: `-c ${configuration}` } };
  const end = (): void => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", end);

  /** Runs one command to its end. */
  async function run(command: string, args: readonly string[]): Promise<void> {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-2_000)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    if (code !== 0) throw new Error(`${command} ${args[0] ?? ""} failed:\n${said}`);
  }

  /** Starts one server that runs until `close`. The store asks its monitor a moment too early now and then, and ends. */
  function start(command: string, args: readonly string[], tries = 5): void {
    const child = spawn(command, [...args, "-f"], { ...options, stdio: "ignore" });
    child.once("error", () => undefined);
    child.once("exit", () => {
      if (children.delete(child) && tries > 1) start(command, args, tries - 1);
    });
    child.unref();
    children.add(child);
  }

  return {
    configuration,
    run,
    start,

    async makeMonitor(port: number): Promise<void> {
      for (const name of ["mon", "osd", "log"]) mkdirSync(join(folder, name));
      const map = ["--create", "--clobber", "--addv", "a", `[v1:127.0.0.1:${port}]`, "--fsid", fsid];
      await run("monmaptool", [...map, "monmap"]);
      await run("ceph-mon", ["-i", "a", "--mkfs", "--monmap", "monmap"]);
      start("ceph-mon", ["-i", "a"]);
    },

    /** The same id in both places, or the store never leaves "booting". */
    async makeStore(): Promise<void> {
      const id = crypto.randomUUID();
      // The monitor answers a moment before it knows its commands; with the same id there is one store however often.
      await this.until(() => run("ceph", ["osd", "new", id, "--connect-timeout", "30"]).then(() => true));
      await run("ceph-osd", ["-i", "0", "--mkfs", "--osd-uuid", id]);
      start("ceph-osd", ["-i", "0"]);
    },

    async until(isReady: () => Promise<boolean>): Promise<void> {
      const deadline = Date.now() + startLimitMillis;
      while (!(await isReady().catch(() => false))) {
        if (Date.now() > deadline) throw new Error("the RADOS gateway did not start");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },

    async close(): Promise<void> {
      process.off("exit", end);
      const last = [...children];
      children.clear();
      await Promise.all(last.map(killed));
      end();
    },
  };
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    child.ref();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

const fsid = crypto.randomUUID();

function configurationOf({ folder, monPort, rgwPort }: { folder: string; monPort: number; rgwPort: number }): string {
  return `[global]
fsid = ${fsid}
mon initial members = a
mon host = v1:127.0.0.1:${monPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
auth allow insecure global id reclaim = true
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
ms bind msgr2 = false
log file = ${folder}/log/$name.log
run dir = ${folder}
admin socket = ${folder}/$name.asok
pid file = ${folder}/$name.pid
rgw sts key = abcdefghijklmnop
rgw s3 auth use sts = true
rgw enable apis = s3, sts, iam, admin, roles
rgw frontends = beast endpoint=127.0.0.1:${rgwPort}
[mon.a]
mon data = ${folder}/mon
[osd.0]
osd data = ${folder}/osd
`;
}
