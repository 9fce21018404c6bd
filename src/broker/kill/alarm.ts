/** One timer, set to the earliest instant that anyone asked for; setting it later than it stands does nothing. */
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { millis, millisBetween, type EpochMillis } from "../../kernel/time.ts";

export interface Alarm {
  /** Rings at `at`, or at once if that has passed. */
  set(at: EpochMillis): void;
  cancel(): void;
}

/** `now` is the clock that the instants are of. */
export function createAlarm(clock: Pick<Clock, "now" | "after">, ring: () => void): Alarm {
  let setTo: EpochMillis | null = null;
  let cancelTimer: Cancel = () => {};
  return {
    set(at) {
      if (setTo !== null && setTo <= at) return;
      cancelTimer();
      setTo = at;
      cancelTimer = clock.after(millis(Math.max(0, millisBetween(clock.now(), at))), () => {
        setTo = null;
        ring();
      });
    },
    cancel() {
      cancelTimer();
      setTo = null;
    },
  };
}
