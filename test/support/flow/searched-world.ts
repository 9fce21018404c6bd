/** A broker whose every trace can be searched: as the process that a user starts, or as a Worker. */
import { isOnWorkers } from "../ledger-kind.ts";
import { startChildWorld } from "./child-world.ts";
import type { BrokerClient } from "./client.ts";
import { startEdgeWorld } from "./edge-world.ts";
import { filesBelow, type FlowLedger } from "./ledger.ts";
import type { Servers } from "./servers.ts";

export interface SearchedWorld extends BrokerClient, Pick<FlowLedger, "contents"> {
  readonly servers: Servers;
  /** All that it logged, at the level that tells most. */
  text(): string;
  /** Ends the broker, in its own way where it has one. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function startSearchedWorld(env: Readonly<Record<string, string>>): Promise<SearchedWorld> {
  if (isOnWorkers) {
    const world = await startEdgeWorld({ env });
    const { broker } = world;
    return {
      ...world,
      contents: () => filesBelow(broker.storage),
      text: () => broker.text(),
      stop: () => broker.kill(),
    };
  }
  const world = await startChildWorld(env);
  const { child, ledger } = world;
  return {
    ...world,
    contents: () => ledger.contents(),
    text: () => child.text(),
    async stop() {
      child.signal("SIGTERM");
      const code = await child.exited;
      if (code !== 0) throw new Error(`the broker ended with ${code}`);
    },
  };
}
