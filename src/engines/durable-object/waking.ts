/**
 * The object's one alarm. It stands at the earliest instant that anything told since the object woke; set in the same
 * turn as the commit that told it, so that both are stored or neither. A platform that ends the object at any instant
 * wakes it again by then.
 */
import type { EpochMillis } from "../../kernel/time.ts";
import type { ObjectStorage } from "./object-storage.ts";

export interface Waking {
  /** Be woken at `at` at the latest. */
  by(at: EpochMillis): void;
  /** Be woken at `at`, whatever was asked before. */
  at(at: EpochMillis): void;
}

export function createWaking(storage: Pick<ObjectStorage, "setAlarm">): Waking {
  let setTo = Infinity;
  const set = (at: EpochMillis): void => {
    setTo = at;
    void storage.setAlarm(at);
  };
  return {
    at: set,
    by(at) {
      if (at < setTo) set(at);
    },
  };
}
