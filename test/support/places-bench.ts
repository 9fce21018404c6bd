/** Two processes over eight shards, anew for each test, and the steps that tests of places need on their way to the point. */
import type { LimitReservation } from "../../src/domain/limit.ts";
import type { Lease } from "../../src/domain/lease.ts";
import { createShards, type Shards } from "../../src/engines/durable-object/across-shards/shards.ts";
import type { LeaseId, TaskId } from "../../src/kernel/ids.ts";
import type { Answer, Ledger } from "../../src/ports/ledger.ts";
import type { IntentConflict, IntentRecorded, RecordIntent } from "../../src/ports/ledger-commands.ts";
import { refused, valueOf } from "../kit/ledger/bench.ts";
import { broker, createBuilders, type Builders, type IntentWish } from "./builders.ts";
import { openShardWorld, type ShardWorld } from "./sharded-harness.ts";

/** A limit that counts over all shards. */
export const agents = (max: number): LimitReservation => ({
  limit: "liveLeasesPerAgent",
  counter: "agent:invoice-bot",
  max,
});
export const full = refused("limit_reached", { limit: "liveLeasesPerAgent" });
export const dayMillis = 24 * 3_600_000;
/** From when on the home of an intent of the builders may be asked: its worst end, and a day. */
export const afterItsTime = 600_000 + dayMillis;

export interface PlacesBench {
  readonly world: ShardWorld;
  readonly one: Ledger;
  readonly two: Ledger;
  readonly builders: Builders;
  shards(): Shards;
  opened(): Promise<TaskId>;
  wanted(taskId: TaskId, wish?: IntentWish): RecordIntent;
  intended(ledger: Ledger, limits: readonly LimitReservation[], wish?: IntentWish): Promise<Lease>;
  /** An intent of a task of its own, anywhere. */
  ask(ledger: Ledger, ...limits: readonly LimitReservation[]): Promise<Answer<IntentRecorded, IntentConflict>>;
  failed(ledger: Ledger, lease: { readonly id: LeaseId }): Promise<void>;
  /** Rows of a table in all shards. */
  rowsOf(table: "slot" | "owed" | "counter" | "replay"): readonly unknown[];
  close(): Promise<void>;
}

export function openPlacesBench(): PlacesBench {
  const world = openShardWorld(8);
  const [one, two] = [world.process(), world.process()];
  const builders = createBuilders({ clock: world.clock });
  const opened = async (): Promise<TaskId> =>
    valueOf(await one.openTask(builders.openTask({ deadlineSeconds: 7 * 24 * 3600 }))).id;
  /** Whether the kills of a target are late is none of these tests' business. */
  const wanted = (taskId: TaskId, wish: IntentWish = {}): RecordIntent =>
    builders.recordIntent(taskId, { demandKillPath: false, ...wish });
  return {
    world,
    one,
    two,
    builders,
    shards: () => createShards(world.wired()),
    opened,
    wanted,
    intended: async (ledger, limits, wish = {}) =>
      valueOf(await ledger.recordIntent(wanted(await opened(), { limits, ...wish }))).lease,
    ask: async (ledger, ...limits) => ledger.recordIntent(wanted(await opened(), { limits })),
    failed: async (ledger, { id }) => valueOf(await ledger.failMint({ leaseId: id, reason: "quota", cause: broker })),
    rowsOf: (table) => world.databases.flatMap((db) => db.prepare(`SELECT * FROM ${table}`).all()),
    async close() {
      await Promise.all([one, two].map((ledger) => ledger.close()));
      await world.close();
    },
  };
}
