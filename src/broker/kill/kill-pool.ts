/**
 * The heart of the kill path: rung by the ledger or by its alarm, it looks at what is due, wakes the workforce for the
 * due targets, and sweeps. It holds no truth: lose it at any point and the next start finds the same work.
 */
import type { TargetName } from "../../domain/names.ts";
import type { Clock } from "../../kernel/clock.ts";
import { base32FromBytes } from "../../kernel/base32.ts";
import { addMillis, earliest, epochMillis, type EpochMillis, type Millis } from "../../kernel/time.ts";
import { createAlarm } from "./alarm.ts";
import type { Workforce } from "../../ports/workforce.ts";
import type { AttemptParts } from "./attempt.ts";
import { createDoorbell, type Doorbell } from "./doorbell.ts";
import { createLedgerTime } from "./ledger-time.ts";
import { createLane, type Lane, type LaneCounters } from "./lane.ts";
import { createKillNotes } from "./note-kill.ts";
import { sweep } from "./sweep.ts";

export interface KillPool {
  start(): void;
  /**
   * Works until nothing is left that can be done now, or no longer than `budget`. For a process that is awake only as long
   * as somebody waits for it. What `claimsAtATime` left over waits for the next call.
   */
  settle(budget: Millis): Promise<void>;
  /** Claims nothing more, waits for what is in flight at most `grace`, gives the rest back. */
  stop(grace: Millis): Promise<void>;
}

/** After a store fault the next look comes soon, but not at once. */
const faultPauseMillis = 250;

export interface KillPoolParts extends Omit<AttemptParts, "ledgerNow" | "othersKill" | "noteKill"> {
  readonly workforce: Workforce;
  /** False where this process only finds and wakes, and others kill. */
  readonly works: boolean;
  /** How many leases are claimed from one `settle` to the next, where a process may do only so much at a time. */
  readonly claimsAtATime?: number | undefined;
}

export function createKillPool(given: KillPoolParts): KillPool {
  const { ledger, clock, entropy, log, workforce, works } = given;
  const time = createLedgerTime(clock);
  const noteKill = createKillNotes(given);
  const parts: AttemptParts = { ...given, ledgerNow: () => time.now(), othersKill: workforce.isShared, noteKill };
  const counters = createCounters(base32FromBytes(entropy.bytes(12)), given.claimsAtATime ?? Infinity);
  let isStopped = false;

  const lanes = createLanes((target) => createLane(parts, target, counters));

  const look = createDoorbell(async () => {
    if (isStopped) return;
    try {
      alarm.set(await pass());
    } catch {
      log.error("kill_pass_failed");
      alarm.set(addMillis(time.now(), faultPauseMillis));
    }
  });
  const alarm = createAlarm(time, () => look.ring());

  /** One look at the ledger; answers when to look again at the latest. */
  async function pass(): Promise<EpochMillis> {
    const askedAt = counters.tick();
    const work = await ledger.dueWork();
    time.saw(work.now);
    for (const { target, breaker } of work.targets) {
      lanes.of(target).sync({ breaker, askedAt });
      workforce.wake(target);
    }
    if (work.sweep) {
      if (!(await sweep(parts))) return addMillis(work.now, faultPauseMillis);
      look.ring();
    }
    const latest = addMillis(work.now, workforce.longestSleep);
    return work.nextAt === null ? latest : epochMillis(Math.min(latest, Math.max(work.nextAt, work.now + 1)));
  }

  return {
    start() {
      log.info("kill_pool_started", { claimer: counters.claimer, works });
      if (works) workforce.start((target, again) => lanes.of(target).work(again));
      ledger.onDue((dueAt) => {
        if (isStopped) return;
        if (dueAt <= time.now()) look.ring();
        else alarm.set(earliest(dueAt, addMillis(time.now(), workforce.longestSleep)));
      });
      look.ring();
    },
    settle: (budget) => settle({ clock, look, lanes, counters }, budget),
    async stop(grace) {
      isStopped = true;
      alarm.cancel();
      const all = lanes.all();
      const drained = all.map((lane) => lane.drain());
      await withinGrace(clock, grace, Promise.all([workforce.stop(), ...drained]));
      for (const fence of all.flatMap((lane) => lane.openClaims())) await ledger.releaseClaim({ fence });
    },
  };
}

/** Each round looks and waits for what it began; one that claimed nothing was the last. */
async function settle(
  parts: { clock: Clock; look: Doorbell; lanes: Lanes; counters: Counters },
  budget: Millis,
): Promise<void> {
  const { clock, look, lanes, counters } = parts;
  counters.renewClaims();
  const end = clock.monotonicMillis() + budget;
  for (let [claimed, before] = [0, -1]; claimed > before && clock.monotonicMillis() < end;) {
    before = claimed;
    look.ring();
    // oxlint-disable-next-line no-await-in-loop -- the next look comes when this one's work is done
    await look.answered();
    // oxlint-disable-next-line no-await-in-loop -- as above
    claimed = sum(await Promise.all(lanes.all().map((lane) => lane.settled())));
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

type Lanes = ReturnType<typeof createLanes>;
type Counters = ReturnType<typeof createCounters>;

function createLanes(create: (target: TargetName) => Lane) {
  const lanes = new Map<TargetName, Lane>();
  return {
    of(target: TargetName): Lane {
      const lane = lanes.get(target) ?? create(target);
      lanes.set(target, lane);
      return lane;
    },
    all: (): readonly Lane[] => [...lanes.values()],
  };
}

/** The ledger knows this process by the name that its fences begin with. */
function createCounters(claimer: string, claimsAtATime: number) {
  let ticks = 0;
  let claimsLeft = claimsAtATime;
  const tick = (): number => (ticks += 1);
  const counters: LaneCounters = {
    tick,
    newFence: () => `${claimer}-${tick()}`,
    claimsLeft: () => claimsLeft,
    claimed: (leases) => void (claimsLeft -= leases),
  };
  return { ...counters, claimer, renewClaims: () => void (claimsLeft = claimsAtATime) };
}

/** Left running, the timer would keep a process that has nothing more to do. */
async function withinGrace(clock: Clock, grace: Millis, work: Promise<unknown>): Promise<void> {
  const { promise: outOfTime, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(grace, resolve);
  await Promise.race([work, outOfTime]);
  cancel();
}
