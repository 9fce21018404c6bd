/** The flows' world with the broker as a process of its own, at the log level that tells most. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild, type Child } from "./child.ts";
import { createClient, type BrokerClient } from "./client.ts";
import { startFlowLedger, type FlowLedger } from "./ledger.ts";
import { policyResources, yamlOf } from "./policy.ts";
import { startServers, type Servers } from "./servers.ts";

export interface ChildWorld extends BrokerClient {
  readonly servers: Servers;
  readonly folder: string;
  readonly ledger: FlowLedger;
  readonly policyFile: string;
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly child: Child;
  /** Another process on the same ledger and ports, after the last has ended. */
  startAgain(): Promise<void>;
  /** How a second broker on the same ledger would be started. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function startChildWorld(more: Readonly<Record<string, string>> = {}): Promise<ChildWorld> {
  const servers = await startServers();
  const folder = await mkdtemp(join(tmpdir(), "mayfly-flow-"));
  const policyFile = join(folder, "policy", "policy.yaml");
  const data = join(folder, "data");
  await mkdir(join(folder, "policy"));
  await mkdir(data);
  await writeFile(policyFile, yamlOf(policyResources(servers.places)));
  const ledger = await startFlowLedger(join(data, "ledger.db"));
  const env = { ...servers.secrets, ...more };
  const args = ["--development", "--policy", join(folder, "policy"), "--data", data, "--log-level", "debug"];
  args.push("--ledger", ledger.setting);
  let urls = { public: "http://127.0.0.1:0", admin: "http://127.0.0.1:0" };
  let child: Child;
  const start = async (): Promise<void> => {
    child = startChild(
      [...args, "--listen", new URL(urls.public).host, "--admin-listen", new URL(urls.admin).host],
      env,
    );
    const { listen, admin } = await child.line("started");
    urls = { public: String(listen), admin: String(admin) };
  };
  await start();
  return {
    ...createClient(servers, () => urls),
    servers,
    folder,
    ledger,
    policyFile,
    args,
    env,
    get publicUrl() {
      return urls.public;
    },
    get adminUrl() {
      return urls.admin;
    },
    get child() {
      return child;
    },
    startAgain: start,
    async close() {
      child.signal("SIGKILL");
      await child.exited;
      await Promise.all([servers.close(), ledger.close()]);
      await rm(folder, { recursive: true });
    },
  };
}
