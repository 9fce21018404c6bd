/**
 * Waits until a replica has what was written on a connection (WAIT 1), where a failover could take the place of its
 * master. Fewer acknowledgements than one leave a change unknown: it is on the master, and could still be lost.
 */
import type { ServerNode } from "./node-client.ts";

export interface ReplicaAcks {
  /** For what was answered on this connection before the call. Rejects where no replica has it in time. */
  wait(node: ServerNode, connection: number): Promise<void>;
}

/** Longer than a replica at work is ever behind; everything on the connection waits as long. */
const waitMillis = 1_000;

export class NoReplicaError extends Error {
  constructor() {
    super("NOREPLICA no replica has it");
    this.name = "NoReplicaError";
  }
}

export function createReplicaAcks(): ReplicaAcks {
  /** One at a time on a connection: each holds up all that follows it, and a later one says no less. */
  const waiting = new Map<ServerNode, { readonly running: Promise<number>; next: Promise<number> | null }>();

  function shared(node: ServerNode): Promise<number> {
    const entry = waiting.get(node);
    if (entry === undefined) return begin(node);
    entry.next ??= entry.running.catch(() => 0).then(() => begin(node));
    return entry.next;
  }

  async function begin(node: ServerNode): Promise<number> {
    const entry = { running: node.client.wait(1, waitMillis), next: null };
    waiting.set(node, entry);
    try {
      return await entry.running;
    } finally {
      if (entry.next === null) waiting.delete(node);
    }
  }

  return {
    async wait(node, connection) {
      const acknowledged = await shared(node);
      // On a connection made meanwhile WAIT knows of no earlier write.
      if (acknowledged < 1 || node.connection() !== connection) throw new NoReplicaError();
    },
  };
}
