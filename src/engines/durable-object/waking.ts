/**
 * The object's one alarm. It stands at the earliest instant that anything told since the object woke; set in the same
 * turn as the commit that told it, so that both are stored or neither. A platform that ends the object at any instant
 * wakes it again by then. An alarm that has gone off stays as it is until its work is done, because the platform lets it go
 * off again if that is cut short: another one in its place would be all that it knows.
 */
import type { EpochMillis } from "../../kernel/time.ts";
import type { ObjectStorage } from "./object-storage.ts";

export interface Waking {
  /** Be woken at `at` at the latest. */
  by(at: EpochMillis): void;
  /** Be woken when `read` says; what was asked before it began to read counts no more. */
  anew(read: () => Promise<EpochMillis>): Promise<void>;
}

export function createWaking(storage: Pick<ObjectStorage, "setAlarm">): Waking {
  let setTo = Infinity;
  let toldSince = Infinity;
  const set = (at: number): void => {
    setTo = at;
    void storage.setAlarm(at);
  };
  return {
    by(at) {
      toldSince = Math.min(toldSince, at);
      if (at < setTo) set(at);
    },
    async anew(read) {
      toldSince = Infinity;
      set(Math.min(await read(), toldSince));
    },
  };
}
