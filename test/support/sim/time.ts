/**
 * Virtual time. Physical time only moves when the simulation moves it; the host's wall clock is physical time plus an
 * error that jumps. Timers belong to an owner, so that a crash drops those of the process that died.
 */
import type { Cancel, Clock } from "../../../src/kernel/clock.ts";
import { epochMillis, type EpochMillis } from "../../../src/kernel/time.ts";
import { defaultStart } from "../manual-clock.ts";

/** Who set a timer: the simulated systems, or one life of the broker. */
export interface Owner {
  readonly name: string;
  alive: boolean;
}

export interface SimTime {
  /** What an ideal clock would say. */
  physical(): EpochMillis;
  /** Wall minus physical. */
  wallError(): number;
  jumpWall(span: number): void;
  clockOf(owner: Owner): Clock;
  after(owner: Owner, delay: number, callback: () => void): Cancel;
  drop(owner: Owner): void;
  /** Whether this owner waits for something. */
  isWaiting(owner: Owner): boolean;
  /** Runs until nothing is left to do at this instant. */
  settle(): Promise<void>;
  /** Moves on, each timer at its own instant. */
  advance(span: number): Promise<void>;
  /** Moves on at once and fires late what fell due meanwhile: a host that was busy or asleep. */
  leap(span: number): Promise<void>;
  /** Says that something happened or is under way, so that `settle` looks again. */
  readonly activity: { count: number; pending: number };
}

interface Timer {
  readonly owner: Owner;
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Of the event loop at one instant, those apart in which an engine waits for a server: far above what a run needs. */
const mostTurns = 20_000;

export function createSimTime(): SimTime {
  let physical: number = defaultStart;
  let error = 0;
  let order = 0;
  const timers = new Set<Timer>();
  const activity = { count: 0, pending: 0 };

  function after(owner: Owner, delay: number, callback: () => void): Cancel {
    if (!owner.alive) return () => {};
    order += 1;
    const timer: Timer = { owner, at: physical + Math.max(0, delay), order, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  }

  function nextBy(limit: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > limit) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }

  /** Promise chains run dry between two turns of the event loop; work of the engine is counted as pending. */
  async function settle(): Promise<void> {
    let seen: number;
    let turns = 0;
    do {
      if (turns > mostTurns) throw new Error("work goes on and on while no time passes: something spins");
      seen = activity.count;
      await new Promise((resolve) => setImmediate(resolve));
      if (activity.count !== seen) turns += 1;
    } while (activity.pending > 0 || activity.count !== seen);
  }

  async function fireUpTo(limit: number): Promise<void> {
    for (let timer = nextBy(limit); timer !== undefined; timer = nextBy(limit)) {
      timers.delete(timer);
      physical = Math.max(physical, timer.at);
      activity.count += 1;
      timer.callback();
      await settle();
    }
  }

  return {
    activity,
    physical: () => epochMillis(physical),
    wallError: () => error,
    jumpWall: (span) => void (error += span),
    after,
    drop(owner) {
      for (const timer of timers) if (timer.owner === owner) timers.delete(timer);
    },
    isWaiting: (owner) => [...timers].some((timer) => timer.owner === owner),
    clockOf: (owner) => ({
      now: () => epochMillis(physical + error),
      monotonicMillis: () => physical - defaultStart,
      after: (delay, callback) => after(owner, delay, callback),
    }),
    settle,
    async advance(span) {
      const end = physical + span;
      await settle();
      await fireUpTo(end);
      physical = end;
    },
    async leap(span) {
      await settle();
      physical += span;
      await fireUpTo(physical);
    },
  };
}
