/** Work that a stop has to wait for, because its outcome must be in the ledger before that is closed. */
export interface InFlight {
  track<T>(work: Promise<T>): Promise<T>;
  count(): number;
  /** Resolves when nothing is left, whatever came of it. */
  settled(): Promise<void>;
  /** The stop waits no longer: what would be tried for ever ends. */
  giveUp(): void;
  hasGivenUp(): boolean;
  readonly givenUp: Promise<void>;
}

export function createInFlight(): InFlight {
  const works = new Set<Promise<unknown>>();
  const { promise: givenUp, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  return {
    track(work) {
      const forget = (): void => void works.delete(work);
      works.add(work);
      work.then(forget, forget);
      return work;
    },
    count: () => works.size,
    async settled() {
      // oxlint-disable-next-line no-await-in-loop -- what comes of one may begin another
      while (works.size > 0) await Promise.allSettled(works);
    },
    giveUp() {
      isOver = true;
      resolve();
    },
    hasGivenUp: () => isOver,
    givenUp,
  };
}
