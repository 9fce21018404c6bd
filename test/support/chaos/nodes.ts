/** Several `mayfly serve` processes on one ledger; each can be killed, and people are sent to those that live. */
import type { Role } from "../../../src/entry/config.ts";
import type { BrokerProcess } from "../crash/broker-process.ts";
import type { Client } from "../crash/client.ts";
import type { World } from "../crash/world.ts";

export interface Nodes {
  /** Someone who talks to the next living node that answers requests. */
  meet(): Client;
  /** One more node of this role. */
  start(role: Role): Promise<void>;
  /** SIGKILLs the first living node of this role. */
  kill(role: Role): Promise<void>;
}

interface Node {
  readonly role: Role;
  readonly broker: BrokerProcess;
  readonly client: Client;
}

export async function startNodes(world: World, ledger: string, roles: readonly Role[]): Promise<Nodes> {
  const data = await world.newData();
  const living: Node[] = [];
  const start = async (role: Role): Promise<void> => {
    const env = { MAYFLY_LEDGER: ledger, MAYFLY_ROLE: role };
    const broker = await world.start(data, { program: "serve", env });
    living.push({ role, broker, client: world.meet(broker) });
  };
  const [first = "all", ...others] = roles;
  // The first makes the keys that all of them share.
  await start(first);
  await Promise.all(others.map(start));
  let turn = 0;
  return {
    start,
    meet() {
      const asked = living.filter(({ role }) => role !== "worker");
      turn += 1;
      const node = asked[turn % asked.length];
      if (node === undefined) throw new Error("no node answers requests any more");
      return node.client;
    },
    async kill(role) {
      const at = living.findIndex((node) => node.role === role);
      const [node] = living.splice(at, at === -1 ? 0 : 1);
      if (node === undefined) throw new Error(`no ${role} lives`);
      await node.broker.kill();
    },
  };
}
