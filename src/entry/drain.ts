/**
 * Closes listeners in order. Requests under way are answered, within a grace; one that may have made a credential has
 * longer, because its answer must be recorded (and is best delivered) before the ledger is closed. Then all are cut.
 */
import type { Server } from "node:http";
import type { Clock } from "../kernel/clock.ts";
import { millis, type Millis } from "../kernel/time.ts";
import type { InFlight } from "../broker/in-flight.ts";

export interface Draining {
  readonly servers: readonly Server[];
  readonly inFlight: InFlight;
  readonly clock: Clock;
  /** How long a mint is waited for. */
  readonly stopTimeout: Millis;
  /** Words for whoever waits. */
  readonly say: (line: string) => void;
}

/** For requests that make nothing, most of them waiting for a change. */
export const stopGraceMillis = millis(5_000);
/** For an answer to be written out, and for what its client's leaving orders to be stored. */
const flushMillis = millis(250);
/** How long a connection without a request may hold up a stop. */
const restingMillis = 20;

export async function drain({ servers, inFlight, clock, stopTimeout, say }: Draining): Promise<void> {
  const pending = inFlight.count();
  if (pending > 0)
    say(
      `waiting for ${count(pending, "credential")} being minted or given up, at most ${stopTimeout / 1000}s; a second signal ends at once`,
    );
  const timers = createTimers(clock);
  const tooLate = timers.after(stopTimeout);
  const mints = Promise.race([inFlight.settled().then(() => timers.after(flushMillis)), tooLate]);
  const cut = Promise.all([mints, timers.after(stopGraceMillis)]);
  await Promise.all(servers.map((server) => closeServer(server, cut)));
  await Promise.race([inFlight.settled(), tooLate]);
  if (inFlight.count() > 0)
    say(
      `${count(inFlight.count(), "credential")} being minted or given up got no answer in time; whoever runs next ends what was made`,
    );
  inFlight.giveUp();
  timers.cancel();
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function createTimers(clock: Clock) {
  const cancels: (() => void)[] = [];
  return {
    after: (span: Millis): Promise<void> =>
      new Promise((resolve) => {
        cancels.push(clock.after(span, resolve));
      }),
    cancel(): void {
      for (const cancel of cancels) cancel();
    },
  };
}

/**
 * Connections that are kept alive are closed as soon as they rest, or a client that asks often would hold one open,
 * and its next request would be accepted after all.
 */
export async function closeServer(server: Server, cut: Promise<unknown>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.prependListener("request", (_, response) => response.setHeader("Connection", "close"));
  const closeResting = setInterval(() => server.closeIdleConnections(), restingMillis);
  void cut.then(() => server.closeAllConnections());
  await closed;
  clearInterval(closeResting);
}
