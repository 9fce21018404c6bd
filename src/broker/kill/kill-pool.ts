/**
 * The workforce of the kill path: rung by the ledger or by its timer, it sweeps, looks at what is due, and sets the
 * lanes of the due targets to work. It holds no truth: lose it at any point and the next start finds the same work.
 */
import type { TargetName } from "../../domain/names.ts";
import type { Cancel } from "../../kernel/clock.ts";
import { base32FromBytes } from "../../kernel/base32.ts";
import { epochMillis, millis, millisBetween, type EpochMillis, type Millis } from "../../kernel/time.ts";
import { createLane, type Lane, type LaneParts } from "./lane.ts";
import { sweep } from "./sweep.ts";

export interface KillPool {
  start(): void;
  /** Looks again now. */
  ring(): void;
  /** Claims nothing more, waits for what is in flight at most `grace`, gives the rest back. */
  stop(grace: Millis): Promise<void>;
}

/** Looked at even if nothing rings: a lost wake-up costs at most this. */
const longestSleepMillis = 10_000;
/** After a store fault the next look comes soon, but not at once. */
const faultPauseMillis = 250;

export function createKillPool(parts: LaneParts): KillPool {
  const { ledger, clock, entropy, log } = parts;
  const lanes = new Map<TargetName, Lane>();
  const fences = new Set<string>();
  const poolName = base32FromBytes(entropy.bytes(12));
  let claims = 0;
  let running = false;
  let rungAgain = false;
  let stopped = false;
  let armedAt: EpochMillis | null = null;
  let cancelTimer: Cancel = () => {};

  function newFence(): string {
    claims += 1;
    const fence = `${poolName}-${claims}`;
    fences.add(fence);
    if (fences.size > 4096) fences.delete(fences.values().next().value ?? fence);
    return fence;
  }

  function arm(at: EpochMillis): void {
    if (stopped || (armedAt !== null && armedAt <= at)) return;
    cancelTimer();
    armedAt = at;
    cancelTimer = clock.after(millis(Math.max(0, millisBetween(clock.now(), at))), () => {
      armedAt = null;
      ring();
    });
  }

  function ring(): void {
    if (stopped) return;
    rungAgain = true;
    if (running) return;
    running = true;
    void look().finally(() => {
      running = false;
    });
  }

  async function look(): Promise<void> {
    while (rungAgain && !stopped) {
      rungAgain = false;
      try {
        arm(await pass());
      } catch {
        log.error("kill_pass_failed");
        arm(epochMillis(clock.now() + faultPauseMillis));
      }
    }
  }

  /** One look at the ledger; answers when to look again at the latest. */
  async function pass(): Promise<EpochMillis> {
    const work = await ledger.dueWork();
    for (const { target, breaker } of work.targets) laneOf(target).fill(breaker);
    if (work.sweep) {
      await sweep(parts);
      rungAgain = true;
    }
    const latest = epochMillis(work.now + longestSleepMillis);
    return work.nextAt === null ? latest : epochMillis(Math.min(latest, Math.max(work.nextAt, work.now + 1)));
  }

  function laneOf(target: TargetName): Lane {
    const known = lanes.get(target);
    if (known !== undefined) return known;
    const lane = createLane(parts, target, newFence);
    lanes.set(target, lane);
    return lane;
  }

  return {
    ring,
    start() {
      ledger.onDue((dueAt) => (dueAt <= clock.now() ? ring() : arm(dueAt)));
      ring();
    },
    async stop(grace) {
      stopped = true;
      cancelTimer();
      const drained = Promise.all([...lanes.values()].map((lane) => lane.drained()));
      await Promise.race([drained, new Promise<void>((resolve) => clock.after(grace, resolve))]);
      for (const fence of fences) await ledger.releaseClaim({ fence });
    },
  };
}
