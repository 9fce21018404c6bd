/**
 * The connections of a ledger, in three lanes that never share one: issuing, ends (which may wait for a replica), and
 * revoking, so that neither an issue nor a replica that is down ever holds up a kill.
 */
import type { Log } from "../../../ports/log.ts";
import type { ServerNode, Access } from "./node-client.ts";
import { codeOf } from "./open-fault.ts";
import { createReplicaAcks } from "./replica-acks.ts";
import { createReplicaRule } from "./replica-rule.ts";
import type { Script, ScriptClient } from "../script.ts";
import { createTopology, type LaneNodes, type Shape } from "./topology.ts";

export type LaneName = "issue" | "end" | "revoke";

export interface Connection {
  /** Resolves when every lane can be used for the first time. */
  ready(): Promise<void>;
  clientFor(script: Script): ScriptClient;
  /** To whoever listens, on a connection that no issue and no wait for a replica holds up. */
  publish(channel: string, message: string): Promise<unknown>;
  /** The connections that issue: what holds for them is asked on them. */
  issuingNodes(): readonly ServerNode[];
  refresh(): Promise<void>;
  /** These issuing connections lead to masters with a replica that has its copy. */
  noteReplicas(replicated: readonly ServerNode[]): void;
  close(): void;
}

export interface ConnectionOptions {
  readonly shape: Shape;
  readonly access: Access;
  readonly log: Log;
  /** Whether a failover could take the place of a master now: then a replica must have what may not be lost. */
  readonly mayFailOver: boolean;
  /** An issuing connection was lost, or there is a new master. */
  readonly onDoubt: () => void;
}

export function createConnection(options: ConnectionOptions): Connection {
  const { shape, access, log, mayFailOver, onDoubt } = options;
  const topology = createTopology(shape, access, log);
  const nodes: Readonly<Record<LaneName, LaneNodes>> = {
    issue: topology.lane("issue", onDoubt),
    end: topology.lane("end"),
    revoke: topology.lane("revoke"),
  };
  const acks = createReplicaAcks();
  const rule = createReplicaRule({ mayFailOver, masters: () => nodes.issue.all().map(({ name }) => name), log });

  /**
   * A server that says MOVED has done nothing. A kill goes on to where the slot is now; an issue does not, because
   * what that server knows was not looked at yet.
   */
  async function run(use: Use, key: string, send: (node: ServerNode) => Promise<unknown>): Promise<unknown> {
    try {
      return await runOnce(use, key, send);
    } catch (error) {
      const code = codeOf(error);
      if (code !== "MOVED" && code !== "CLUSTERDOWN") throw error;
      await topology.refresh();
      if (use.lane === "issue" || code !== "MOVED") throw error;
      return runOnce(use, key, send);
    }
  }

  async function runOnce({ lane, isAcknowledged }: Use, key: string, send: (node: ServerNode) => Promise<unknown>) {
    const node = nodes[lane].nodeOf(key);
    const connection = node.connection();
    const reply = await send(node);
    if (isAcknowledged && rule.holdsFor(node.name)) await acks.wait(node, connection);
    return reply;
  }

  const clientFor = oncePerUse((use) => ({
    evalsha: (digest, keys, key, command) => run(use, key, ({ client }) => client.evalsha(digest, keys, key, command)),
    eval: (text, keys, key, command) => run(use, key, ({ client }) => client.eval(text, keys, key, command)),
  }));
  return {
    async ready() {
      await Promise.all(Object.values(nodes).flatMap((lane) => lane.all().map((node) => node.ready)));
    },
    clientFor,
    // Any server of a cluster tells all the others.
    publish: async (channel, message) => nodes.revoke.all()[0]?.client.publish(channel, message),
    issuingNodes: () => nodes.issue.all(),
    refresh: () => topology.refresh(),
    noteReplicas(replicated) {
      // A server that stands alone takes nobody's place, whoever copies it.
      if (shape.kind === "cluster") rule.noteReplicas(replicated.map(({ name }) => name));
    },
    close: () => topology.close(),
  };
}

interface Use {
  readonly lane: LaneName;
  readonly isAcknowledged: boolean;
}

function oncePerUse(make: (use: Use) => ScriptClient): (use: Use) => ScriptClient {
  const made = new Map<string, ScriptClient>();
  return ({ lane, isAcknowledged }) => {
    const name = `${lane}-${isAcknowledged}`;
    const client = made.get(name) ?? make({ lane, isAcknowledged });
    made.set(name, client);
    return client;
  };
}
