/**
 * A group commit: what comes for a shard while a script of it is under way goes together in the next one, because one
 * script of fifty costs little more than one of one. Each item is answered on its own.
 */
export interface Groups<Item, Result> {
  /** Rejects where what became of its group is unknown. */
  add(shard: number, item: Item): Promise<Result>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** `run` answers its items in their order. */
export function createGroups<Item, Result>(options: {
  readonly most: number;
  readonly run: (shard: number, items: readonly Item[]) => Promise<readonly Result[]>;
}): Groups<Item, Result> {
  const { most, run } = options;
  const waiting = new Map<number, Waiting<Item, Result>[]>();

  async function runGroup(shard: number, group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(
        shard,
        group.map(({ item }) => item),
      );
      for (const [index, { resolve, reject }] of group.entries()) {
        const result = results[index];
        if (result === undefined) reject(new Error("fewer answers than questions"));
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async function runAll(shard: number, queue: Waiting<Item, Result>[]): Promise<void> {
    // All of one turn of the event loop go together.
    await Promise.resolve();
    // oxlint-disable-next-line no-await-in-loop -- one group of a shard at a time
    while (queue.length > 0) await runGroup(shard, queue.splice(0, most));
    waiting.delete(shard);
  }

  return {
    add(shard, item) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      const queue = waiting.get(shard);
      if (queue !== undefined) queue.push({ item, resolve, reject });
      else {
        const begun = [{ item, resolve, reject }];
        waiting.set(shard, begun);
        void runAll(shard, begun);
      }
      return promise;
    },
  };
}
