/** Runs `call` with a signal that aborts at `timeout`; answers `late` when it was not done by then, or threw. */
import type { Clock } from "../kernel/clock.ts";
import type { Millis } from "../kernel/time.ts";

export async function bounded<T>(
  clock: Clock,
  timeout: Millis,
  late: T,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const { promise: lapsed, resolve } = Promise.withResolvers<T>();
  const cancel = clock.after(timeout, () => {
    resolve(late);
    abort.abort();
  });
  try {
    return await Promise.race([call(abort.signal), lapsed]);
  } catch {
    return late;
  } finally {
    cancel();
  }
}
