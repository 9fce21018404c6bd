/**
 * Several `mayfly serve` processes on one Redis ledger. What is asked goes to one after the other, so that whatever two
 * requests race for, they race for it through different processes.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild, type Child } from "./child.ts";
import { createClient, type BrokerClient } from "./client.ts";
import { startRedisLedger, type FlowLedger } from "./ledger.ts";
import { brokerAudience, policyResources, yamlOf } from "./policy.ts";
import { startServers, type Servers } from "./servers.ts";
import { isUsable } from "./usable.ts";

export interface Node {
  readonly child: Child;
  readonly urls: { readonly public: string; readonly admin: string };
  /** Asks this one alone. */
  readonly client: BrokerClient;
}

export interface NodesWorld extends BrokerClient {
  readonly servers: Servers;
  readonly ledger: FlowLedger;
  readonly nodes: readonly Node[];
  /** Asked no more; what happens to it is the test's business. */
  leave(node: Node): void;
  /** One more, on the same ledger. */
  join(): Promise<Node>;
  isUsable(token: string): Promise<boolean>;
  close(): Promise<void>;
}

export async function startNodes(count: number, on?: FlowLedger): Promise<NodesWorld> {
  const [servers, ledger] = [await startServers(), on ?? (await startRedisLedger())];
  const folder = await mkdtemp(join(tmpdir(), "mayfly-nodes-"));
  const [policy, data] = [join(folder, "policy"), join(folder, "data")];
  await Promise.all([mkdir(policy), mkdir(data)]);
  await writeFile(join(policy, "policy.yaml"), yamlOf(policyResources(servers.places)));
  const common = ["--development", "--policy", policy, "--data", data, "--ledger", ledger.setting];
  common.push("--issuer", brokerAudience, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0");
  const started: Child[] = [];
  const nodes: Node[] = [];
  let turn = 0;

  async function add(): Promise<Node> {
    const child = startChild(common, servers.secrets);
    started.push(child);
    const { listen, admin } = await child.line("started");
    const urls = { public: String(listen), admin: String(admin) };
    const node = { child, urls, client: createClient(servers, () => urls) };
    nodes.push(node);
    return node;
  }
  // The first makes the key rings that all share.
  await add();
  await Promise.all(Array.from({ length: count - 1 }, () => add()));
  const client = createClient(servers, () => {
    const node = nodes[(turn += 1) % nodes.length];
    if (node === undefined) throw new Error("no node is left");
    return node.urls;
  });
  return {
    ...client,
    servers,
    ledger,
    nodes,
    leave: (node) => void nodes.splice(nodes.indexOf(node), 1),
    join: add,
    isUsable: (token) => isUsable(client, servers, token),
    async close() {
      for (const child of started) child.signal("SIGKILL");
      await Promise.all(started.map(({ exited }) => exited));
      await Promise.all([servers.close(), ledger.close()]);
      await rm(folder, { recursive: true });
    },
  };
}
