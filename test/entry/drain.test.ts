/** A stop: whom it waits for and how long, on a clock of the test's. */
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { drain, stopGraceMillis } from "../../src/entry/drain.ts";
import { createInFlight, type InFlight } from "../../src/broker/in-flight.ts";
import { millis } from "../../src/kernel/time.ts";
import { eventuallyTrue } from "../support/flow/eventually.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";

const stopTimeout = millis(20_000);
let clock: ManualClock;
let inFlight: InFlight;
let server: Server;
let url: string;
let answer: () => void;
let arrived: Promise<void>;
let said: string[];

/** A server whose one request is answered when the test says so. */
beforeEach(async () => {
  const answered = Promise.withResolvers<void>();
  const arrival = Promise.withResolvers<void>();
  answer = answered.resolve;
  arrived = arrival.promise;
  clock = createManualClock();
  inFlight = createInFlight();
  said = [];
  server = createServer((request, response) => {
    const work = request.url === "/token" ? inFlight.track(answered.promise) : answered.promise;
    void work.then(() => response.end("done"));
    arrival.resolve();
  });
  ({ url } = await listenOnLoopback(server));
});
afterEach(() => server.closeAllConnections());

async function ask(path: string): Promise<Promise<string>[]> {
  const asked = fetch(`${url}${path}`).then(
    (response) => response.text(),
    () => "cut",
  );
  await arrived;
  return [asked];
}
const stop = () => drain({ servers: [server], inFlight, clock, stopTimeout, say: (line) => void said.push(line) });
/** Lets everything happen that needs no time. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

it("a mint has longer than the grace, and its answer is delivered", async () => {
  const [asked] = await ask("/token");
  const stopped = stop();
  expect(said).toEqual([
    "waiting for 1 credential being minted or given up, at most 20s; a second signal ends at once",
  ]);
  clock.advance(stopTimeout - 1);
  await turns();
  expect(inFlight.count()).toBe(1);
  answer();
  expect(await asked).toBe("done");
  await stopped;
  expect(said).toHaveLength(1);
});

it("a request that makes nothing is cut at the end of the grace, without a word", async () => {
  const [asked] = await ask("/wait");
  const stopped = stop();
  await turns();
  clock.advance(stopGraceMillis - 1);
  await turns();
  let isCut = false;
  void asked?.then(() => (isCut = true));
  await turns();
  expect(isCut).toBe(false);
  clock.advance(1);
  expect(await asked).toBe("cut");
  await stopped;
  expect(said).toEqual([]);
});

it("a mint without an answer is waited for no longer than the bound, and told", async () => {
  const [asked] = await ask("/token");
  const stopped = stop();
  await turns();
  clock.advance(stopTimeout);
  expect(await asked).toBe("cut");
  await stopped;
  expect(said[1]).toBe(
    "1 credential being minted or given up got no answer in time; whoever runs next ends what was made",
  );
});

it("what would be tried for ever ends with the stop", async () => {
  void inFlight.track(inFlight.givenUp);
  const stopped = stop();
  await turns();
  expect(inFlight.hasGivenUp()).toBe(false);
  clock.advance(stopTimeout);
  await stopped;
  expect([inFlight.hasGivenUp(), inFlight.count()]).toEqual([true, 0]);
});

it("nothing under way: it is over at once", async () => {
  await stop();
  expect(said).toEqual([]);
});

it("what came of one is waited for too", async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  void inFlight.track(first.promise).then(() => inFlight.track(second.promise));
  let isSettled = false;
  void inFlight.settled().then(() => (isSettled = true));
  first.resolve();
  await turns();
  expect([isSettled, inFlight.count()]).toEqual([false, 1]);
  second.resolve();
  await eventuallyTrue("all is settled", async () => isSettled);
});
