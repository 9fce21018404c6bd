/**
 * Time as a parameter. Only entry, the command line and tests make a real one; everything else is handed it,
 * so that a simulated day takes milliseconds.
 */
import type { EpochMillis, Millis } from "./time.ts";

export type Cancel = () => void;

export interface Clock {
  /** Wall time. May jump when the host's clock is set. */
  now(): EpochMillis;
  /** Milliseconds since an arbitrary start; never jumps. Only differences mean something. */
  monotonicMillis(): number;
  /** Runs `callback` once after at least `delay`. The callback must not throw. */
  after(delay: Millis, callback: () => void): Cancel;
}
