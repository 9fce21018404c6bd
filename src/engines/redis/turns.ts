/**
 * Verbs on one id run one after the other in this process. An intent takes several steps on several shards; without
 * this, the completion of its mint could overtake it, and two repeats could give back each other's reservations.
 */
export interface Turns {
  run<T>(id: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(id, work) {
      const before = last.get(id);
      const mine = before === undefined ? work() : afterwards(before, work);
      last.set(id, mine);
      try {
        return await mine;
      } finally {
        if (last.get(id) === mine) last.delete(id);
      }
    },
  };
}

async function afterwards<T>(before: Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await Promise.allSettled([before]);
  return work();
}
