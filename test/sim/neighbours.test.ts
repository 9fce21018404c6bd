/**
 * One target is in trouble for ten minutes of virtual time while tasks go on ending: the kills of the other targets take
 * as long as ever, the target's own wait behind its breaker, and none is given up. Times are virtual: a machine's mood
 * cannot change them.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerOf } from "../../scripts/bench/ledger/kill-world.ts";
import { percentile } from "../../scripts/bench/statistics.ts";
import { createChangeHub } from "../../src/broker/change-hub.ts";
import { createKillPool } from "../../src/broker/kill/kill-pool.ts";
import { createLocalWorkforce } from "../../src/broker/kill/local-workforce.ts";
import { createProviderFacade } from "../../src/broker/provider-facade.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import { millis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Metrics } from "../../src/ports/metrics.ts";
import { broker, createBuilders, providerName } from "../support/builders.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { createSeededEntropy } from "../support/seeded-entropy.ts";
import { createSimSealer } from "../support/sim/keys.ts";
import { createSqliteStorage, type Storage } from "../support/sim/engine.ts";
import { createRandom } from "../support/sim/random.ts";
import { createRedisStorage, startSimRedis } from "../support/sim/redis-engine.ts";
import { createFaultyStore } from "../support/sim/store.ts";
import { createSimTime, type SimTime } from "../support/sim/time.ts";
import { silentLog, silentMetrics } from "../support/silent.ts";

const outageMillis = 10 * 60_000;
/** Above the longest pause of a breaker and the longest backoff. */
const recoveryMillis = 10 * 60_000;
const everyMillis = 10_000;
const leasesOfEach = 2;
const calm = ["calm-1", "calm-2"].map(providerName);
const troubled = providerName("troubled");
const answerMillis = millis(20);

type Answer = (calmly: () => Promise<Verdict>, secondsNow: number) => Promise<Verdict>;

const failing: Answer = async () => ({ kind: "retry", reason: "server_error" });

/** One a second, and whoever comes too often is told when to come again. */
function rateLimited(): Answer {
  let takenIn = -1;
  return async (calmly, secondsNow) => {
    if (takenIn === secondsNow) return { kind: "retry", reason: "rate_limited", after: millis(1000) };
    takenIn = secondsNow;
    return calmly();
  };
}

interface Played {
  /** Virtual milliseconds from the order to the death. */
  readonly times: Readonly<Record<"calm" | "troubled", readonly number[]>>;
  /** Deaths when the outage was over. */
  readonly duringOutage: { readonly calm: number; readonly troubled: number };
  /** Attempts at the troubled target while it was in trouble. */
  readonly attempts: number;
}

const waves = outageMillis / everyMillis;
const wanted = { calm: waves * leasesOfEach * calm.length, troubled: waves * leasesOfEach };

/** Without an answer of its own the target is as calm as the others. */
async function play(storage: Storage, trouble: Answer | null): Promise<Played> {
  const time = createSimTime();
  const owner = { name: "broker", alive: true };
  const clock = time.clockOf(owner);
  const real = await storage.open(clock, time.activity);
  const witness = { intent: () => {}, beat: () => {} };
  const { ledger } = createFaultyStore({ real, time, random: createRandom(1), owner, witness });
  const tasks = await issueAll(ledger, time);
  const times: Record<"calm" | "troubled", number[]> = { calm: [], troubled: [] };
  let answer = trouble;
  let attempts = 0;
  const calmly = async (): Promise<Verdict> => {
    await new Promise<void>((resolve) => void clock.after(answerMillis, resolve));
    return { kind: "dead-unverified" };
  };
  const provider = providerOf(async ({ lease }) => {
    if (lease.provider !== troubled || answer === null) return calmly();
    attempts += 1;
    return answer(calmly, Math.floor(time.physical() / 1000));
  });
  const metrics: Metrics = {
    ...silentMetrics,
    observeSeconds(name, seconds, labels) {
      if (name !== "mayfly_revocation_latency_seconds") return;
      times[labels?.["provider"] === troubled ? "troubled" : "calm"].push(Math.round(seconds * 1000));
    },
  };
  const entropy = createSeededEntropy(1);
  const lookup = { issuing: () => provider, revoking: () => provider };
  const pool = createKillPool({
    workforce: createLocalWorkforce(),
    works: true,
    ledger,
    providers: createProviderFacade({ lookup, clock, log: silentLog, metrics }),
    sealer: createSimSealer(entropy),
    clock,
    entropy,
    changes: createChangeHub({ clock, ledger }),
    log: silentLog,
    metrics,
  });
  pool.start();
  for (const taskId of tasks) {
    await ledger.endTask({ taskId, outcome: "completed", reason: null, cause: broker });
    await time.advance(everyMillis);
  }
  const duringOutage = { calm: times.calm.length, troubled: times.troubled.length };
  answer = null;
  await time.advance(recoveryMillis);
  await real.close();
  return { times, duringOutage, attempts };
}

/** A task a wave, each with leases of every target, long before any of them ends. */
async function issueAll(ledger: Ledger, time: SimTime): Promise<readonly TaskId[]> {
  const build = createBuilders({ clock: time.clockOf({ name: "people", alive: true }) });
  return Promise.all(
    Array.from({ length: waves }, async () => {
      const opened = await ledger.openTask(build.openTask({ deadlineSeconds: 7200 }));
      if (opened.kind !== "ok") throw new Error("no task");
      const taskId = opened.value.id;
      const providers = [...calm, troubled].flatMap((provider) => Array.from({ length: leasesOfEach }, () => provider));
      for (const provider of providers) {
        const wish = { lease: { provider }, ttlSeconds: 7000, worstCaseSeconds: 7100, demandKillPath: false };
        const intent = await ledger.recordIntent(build.recordIntent(taskId, wish));
        if (intent.kind !== "ok") throw new Error("no intent");
        await ledger.completeMint(build.completeMint(intent.value.lease));
      }
      return taskId;
    }),
  );
}

const engines = ["SQLite", "Redis"] as const;
let server: RedisServer;
beforeAll(async () => {
  server = await startSimRedis();
});
afterAll(() => server.stop());

interface Row {
  readonly answer: () => Answer;
  /** Of its kills while it lasts; a target that takes some of them is not cut off. */
  readonly killsMeanwhile: boolean;
}
const rows: Readonly<Record<string, Row>> = {
  hangs: { answer: () => () => new Promise(() => {}), killsMeanwhile: false },
  "answers 500": { answer: () => failing, killsMeanwhile: false },
  "is rate-limited": { answer: rateLimited, killsMeanwhile: true },
};

describe.each(engines)("neighbours of a target on %s", (engine) => {
  let alone: Played;
  const playOn = async (answer: Answer | null): Promise<Played> => {
    const storage = engine === "SQLite" ? createSqliteStorage() : createRedisStorage(server, 4);
    try {
      return await play(storage, answer);
    } finally {
      await storage.dispose();
    }
  };
  beforeAll(async () => {
    alone = await playOn(null);
  });

  it("that is well: all die at once", () => {
    expect(alone.duringOutage).toEqual(wanted);
  });

  it.each(Object.entries(rows))("that %s for ten minutes notice nothing", async (name, { answer, killsMeanwhile }) => {
    const played = await playOn(answer());
    const [beside, without] = [played, alone].map(({ times }) => percentile(times.calm, 0.99));
    console.log(
      `neighbours on ${engine}, one target ${name} for ten minutes (virtual): the others' kill p99 ${beside} ms, without it ${without} ms`,
    );
    expect(played.duringOutage.calm).toBe(wanted.calm);
    expect(played.times.calm.toSorted((left, right) => left - right)).toEqual(
      alone.times.calm.toSorted((left, right) => left - right),
    );
    expect(played.duringOutage.troubled > 0).toBe(killsMeanwhile);
    expect(played.attempts).toBeGreaterThan(0);
    // Nothing is given up: all die when it is well again.
    expect(played.times.troubled).toHaveLength(wanted.troubled);
  });
});
