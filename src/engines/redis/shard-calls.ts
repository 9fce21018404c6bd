/**
 * Runs scripts on shards. Keeps, a shard, what this process has seen of the ledger's clock, so that it never goes back
 * here either, and where the server's wall clock should be by our monotonic one, so that a step of it is noticed.
 */
import type { Clock } from "../../kernel/clock.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { SuspendReason } from "../../ports/ledger-views.ts";
import type { Script, ScriptReply, ScriptRunner } from "./script.ts";
import type { Shards } from "./shards.ts";

type DueListener = (dueAt: EpochMillis, shard: number, isOwn: boolean) => void;

export interface ShardCalls {
  readonly shards: Shards;
  /** Runs a script on one shard. Rejects where the outcome is unknown. */
  ask(shard: number, script: Script, command: object): Promise<ScriptReply>;
  /** On every shard, at once; in their order. */
  askAll(script: Script, command: object): Promise<readonly ScriptReply[]>;
  /** `isOwn`: this process changed something, and did not only hear of it. */
  onDue(listener: DueListener): void;
  /** Another process says that something falls due then. */
  heardDue(shard: number, dueAt: EpochMillis): void;
  /** The ledger's clock, of the shard that is ahead, as it should be by what was seen of it last. */
  now(): EpochMillis;
  monotonicMillis(): number;
  /** Tells the shards in whose outbox a script of this process left something. */
  onLeft(listener: (shard: number) => void): void;
}

interface ShardTime {
  floor: number;
  floorMono: number;
  /** Null until the shard was asked once. */
  reference: { readonly wall: number; readonly mono: number } | null;
  /** Null until the shard was asked once: what was accepted before this process began says nothing of its wall. */
  epoch: number | null;
}

export function createShardCalls(options: {
  runner: ScriptRunner;
  shards: Shards;
  clock: Clock;
  /** Why this process may not issue, beside what the shards know. */
  held: () => SuspendReason | null;
}): ShardCalls {
  const { runner, shards, clock, held } = options;
  const times = Array.from({ length: shards.count }, (): ShardTime => ({
    floor: 0,
    floorMono: clock.monotonicMillis(),
    reference: null,
    epoch: null,
  }));
  const listeners: DueListener[] = [];
  const leftListeners: ((shard: number) => void)[] = [];

  const ahead = createAheadClock(clock);
  const latest = (): number => Math.max(...times.map(({ floor }) => floor));

  async function ask(shard: number, script: Script, command: object): Promise<ScriptReply> {
    const time = times[shard];
    if (time === undefined) throw new Error("no such shard");
    const mono = clock.monotonicMillis();
    const { floor, floorMono, reference } = time;
    const expect = reference === null ? undefined : reference.wall + (mono - reference.mono);
    const known = { floor, floorMono, mono, expect, wall: clock.now() };
    const reply = await runner.run(script, shards.metaKey(shard), {
      ...command,
      held: held() ?? undefined,
      time: known,
    });
    if (reply.now >= time.floor) Object.assign(time, { floor: reply.now, floorMono: mono });
    ahead.saw(reply.now);
    if (time.reference === null) time.reference = { wall: reply.now, mono };
    // An operator accepted the clock, here or on another node: the server's wall is right as it stands.
    if (time.epoch !== null && reply.epoch > time.epoch) time.reference = { wall: reply.wall, mono };
    time.epoch = Math.max(time.epoch ?? 0, reply.epoch);
    if (reply.dueAt !== null) {
      // Clocks of shards may be apart; who listens knows the one that is ahead.
      const dueAt = epochMillis(reply.dueAt + latest() - reply.now);
      for (const listener of listeners) listener(dueAt, shard, true);
    }
    if (reply.left) for (const listener of leftListeners) listener(shard);
    return reply;
  }

  return {
    shards,
    ask,
    askAll: (script, command) => Promise.all(times.map((_, shard) => ask(shard, script, command))),
    now: () => ahead.now(),
    monotonicMillis: () => clock.monotonicMillis(),
    heardDue(shard, dueAt) {
      for (const listener of listeners) listener(dueAt, shard, false);
    },
    onDue: (listener) => void listeners.push(listener),
    onLeft: (listener) => void leftListeners.push(listener),
  };
}

/** The clock of the shard that is ahead: since it was seen it has moved at least as the monotonic one did. */
function createAheadClock(clock: Clock) {
  let seen = { now: 0, mono: 0 };
  const now = (): EpochMillis => epochMillis(seen.now + Math.floor(clock.monotonicMillis() - seen.mono));
  return {
    now,
    saw(reply: number): void {
      if (reply >= now()) seen = { now: reply, mono: clock.monotonicMillis() };
    },
  };
}
