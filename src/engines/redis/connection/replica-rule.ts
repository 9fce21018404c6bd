/**
 * For which masters a replica must have what may not be lost. Where a failover was possible at the start, for all of them.
 * Where it was not, for each from the first look on that finds a replica with its copy: then it could take that master's
 * place. Never taken back while the process runs: a replica that is away is the very case that waiting is for.
 */
import type { Log } from "../../../ports/log.ts";

export interface ReplicaRule {
  holdsFor(master: string): boolean;
  /** Names of masters with a replica that has its copy. */
  noteReplicas(replicated: readonly string[]): void;
}

export function createReplicaRule(options: {
  readonly mayFailOver: boolean;
  readonly masters: () => readonly string[];
  readonly log: Log;
}): ReplicaRule {
  const { masters, log } = options;
  let { mayFailOver } = options;
  /** Never seen with a replica. A master that comes later may have been one, and is not among them. */
  let bare: ReadonlySet<string> = new Set();
  return {
    holdsFor: (master) => mayFailOver && !bare.has(master),
    noteReplicas(replicated) {
      const before = mayFailOver ? bare : new Set(masters());
      const found = replicated.filter((name) => before.has(name));
      if (found.length === 0) return;
      bare = before.difference(new Set(found));
      mayFailOver = true;
      log.info("ledger_replicated", { servers: found.join(", ") });
    },
  };
}
