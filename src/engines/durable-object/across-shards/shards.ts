/**
 * A fixed number of shards. The home in an id names the shard of a task tree and all its leases; what belongs to no task
 * lives where the hash of its name says. Calls to many go out a few at a time: a Worker may have six connections open.
 */
import { homeNumber, homeOfId, homeOfText, type LeaseId, type TaskId } from "../../../kernel/ids.ts";
import { allAtMost, settleAll } from "../../../kernel/settle-all.ts";
import type { ShardLedger } from "../shard-ledger.ts";

export interface Shards {
  readonly count: number;
  at(shard: number): ShardLedger;
  ofId(id: TaskId | LeaseId): number;
  ofText(text: string): number;
  /** Where a task or a lease lives. */
  home(id: TaskId | LeaseId): ShardLedger;
  /** In the order of the shards. Rejects where one did. */
  all<T>(ask: (shard: ShardLedger, number: number) => Promise<T>): Promise<readonly T[]>;
  /** Of those that answered, with their numbers. Rejects only where none did. */
  reachable<T>(ask: (shard: ShardLedger, number: number) => Promise<T>): Promise<readonly (readonly [number, T])[]>;
}

/** At a time, of one verb. */
export const fanOut = 6;

export function createShards(shards: readonly ShardLedger[]): Shards {
  const at = (number: number): ShardLedger => {
    const shard = shards[number];
    if (shard === undefined) throw new Error("no such shard");
    return shard;
  };
  const ofId = (id: TaskId | LeaseId): number => homeNumber(homeOfId(id)) % shards.length;
  return {
    count: shards.length,
    at,
    ofId,
    ofText: (text) => homeNumber(homeOfText(text)) % shards.length,
    home: (id) => at(ofId(id)),
    all: (ask) => allAtMost(shards, fanOut, ask),
    async reachable(ask) {
      const settled = await settleAll(shards, fanOut, ask);
      const answered = settled.flatMap((result, number) =>
        result.status === "fulfilled" ? [[number, result.value] as const] : [],
      );
      const failed = settled.find((result) => result.status === "rejected");
      if (answered.length === 0 && failed !== undefined) throw failed.reason;
      return answered;
    },
  };
}
