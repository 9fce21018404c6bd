/**
 * The load generator: 64 kept-alive connections, bodies made before the round. Closed loop: each connection asks again
 * when it was answered. Open loop: requests come when a Poisson process says, answered or not, so that a slow answer
 * does not slow the asking.
 */
import { Pool } from "undici";
import { serveActor } from "../actor.ts";
import { createBodies, type LoadResult, type Recipe } from "../load-recipe.ts";
import { percentile } from "../statistics.ts";

interface Contender {
  readonly pool: Pool;
  readonly path: string;
  readonly makeBodies: (count: number) => readonly string[];
  bodies: readonly string[];
}

const connections = 64;
const contenders = new Map<string, Contender>();

function contenderOf(name: string): Contender {
  const contender = contenders.get(name);
  if (contender === undefined) throw new Error(`no contender ${name}`);
  return contender;
}

/** The milliseconds of one exchange; anything but 200 ends the round, because its rate would mean nothing. */
function send({ pool, path }: Contender, body: string): Promise<number> {
  const startedAt = performance.now();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    pool.dispatch(
      { method: "POST", path, headers, body },
      {
        onRequestStart: () => {},
        onResponseStart: (_, answered) => void (status = answered),
        onResponseData: (_, chunk) => void chunks.push(chunk),
        onResponseEnd: () => {
          if (status === 200) resolve(performance.now() - startedAt);
          else reject(new Error(`answered ${status}: ${Buffer.concat(chunks).toString().slice(0, 300)}`));
        },
        onResponseError: (_, error) => reject(error),
      },
    );
  });
}

async function closed({ name, seconds }: { name: string; seconds: number }): Promise<LoadResult> {
  const contender = contenderOf(name);
  const { bodies } = contender;
  const times: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let next = 0;
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      const body = bodies[next];
      if (body === undefined) return;
      next += 1;
      times.push(await send(contender, body));
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  return resultOf(times, performance.now() - startedAt);
}

async function open(wish: { name: string; perSecond: number; seconds: number; seed: number }): Promise<LoadResult> {
  const contender = contenderOf(wish.name);
  const dueAt = arrivals(wish);
  const times: number[] = [];
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let next = 0; next < dueAt.length;) {
    const elapsed = performance.now() - startedAt;
    const due = dueAt[next] ?? 0;
    if (due > elapsed) {
      // Timers of Node are a millisecond coarse; the last part is waited for by turning the event loop.
      await new Promise((resolve) => (due - elapsed > 2 ? setTimeout(resolve, 1) : setImmediate(resolve)));
      continue;
    }
    // Counted from when it was due, so that a late generator cannot hide a slow server.
    const late = elapsed - due;
    underWay.push(send(contender, contender.bodies[next] ?? "").then((time) => void times.push(time + late)));
    next += 1;
  }
  await Promise.all(underWay);
  return resultOf(times, performance.now() - startedAt);
}

/** Exponential gaps from a seed (mulberry32). */
function arrivals({ perSecond, seconds, seed }: { perSecond: number; seconds: number; seed: number }): number[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const times: number[] = [];
  for (let at = 0; at < seconds * 1000;) {
    at += (-Math.log(1 - random()) * 1000) / perSecond;
    times.push(at);
  }
  return times;
}

const resultOf = (times: readonly number[], millis: number): LoadResult => ({
  answered: times.length,
  perSecond: times.length / (millis / 1000),
  p50Millis: percentile(times, 0.5),
  p99Millis: percentile(times, 0.99),
});

serveActor({
  add({ name, url, recipe }: { name: string; url: string; recipe: Recipe }) {
    const { origin, pathname } = new URL(url);
    const pool = new Pool(origin, { connections, pipelining: 1 });
    contenders.set(name, { pool, path: pathname, makeBodies: createBodies(recipe), bodies: [] });
  },
  make({ name, count }: { name: string; count: number }) {
    const contender = contenderOf(name);
    contender.bodies = contender.makeBodies(Math.ceil(count));
  },
  closed,
  open,
});
