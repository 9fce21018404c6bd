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
  const waiting = new Map<ServerNode, { now: Promise<number>; next: Promise<number> | null }>();

  const ask = (node: ServerNode): Promise<number> => node.client.wait(1, waitMillis);

  function shared(node: ServerNode): Promise<number> {
    const running = waiting.get(node);
    if (running === undefined) return begin(node, ask(node));
    running.next ??= running.now.then(
      () => begin(node, ask(node)),
      () => begin(node, ask(node)),
    );
    return running.next;
  }

  function begin(node: ServerNode, now: Promise<number>): Promise<number> {
    const entry: { now: Promise<number>; next: Promise<number> | null } = { now, next: null };
    waiting.set(node, entry);
    const done = (): void => {
      if (entry.next === null && waiting.get(node) === entry) waiting.delete(node);
    };
    now.then(done, done);
    return now;
  }

  return {
    async wait(node, connection) {
      const acknowledged = await shared(node);
      // On a connection made meanwhile WAIT knows of no earlier write.
      if (acknowledged < 1 || node.connection() !== connection) throw new NoReplicaError();
    },
  };
}
