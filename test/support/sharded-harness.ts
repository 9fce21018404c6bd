/**
 * The ledger over many shards as a harness of the ledger kit: each shard is the SQL engine on a database in memory, and
 * answers as over a wire, with copies. A restart begins anew on the same databases.
 */
import { DatabaseSync } from "node:sqlite";
import { createShardedLedger } from "../../src/engines/durable-object/sharded-ledger.ts";
import type { ShardLedger } from "../../src/engines/durable-object/shard-ledger.ts";
import { createCommitQueue } from "../../src/engines/node-sqlite/commit-queue.ts";
import { createNodeDriver } from "../../src/engines/node-sqlite/node-driver.ts";
import { createStore } from "../../src/engines/node-sqlite/store.ts";
import { startSqlCore } from "../../src/engines/sql/core.ts";
import { createSqlLedger } from "../../src/engines/sql/ledger.ts";
import { createShardVerbs } from "../../src/engines/sql/shard-verbs.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { EpochMillis } from "../../src/kernel/time.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { MakeHarness } from "../kit/ledger/harness.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { silentLog } from "./silent.ts";

/** A shard on a database that outlives it. */
export function openShard(db: DatabaseSync, clock: Clock): ShardLedger {
  db.exec("BEGIN IMMEDIATE");
  const core = startSqlCore({ sql: createNodeDriver(db), clock });
  if (!core.ok) throw new Error(core.fault.reason);
  db.exec("COMMIT");
  const onFatal = (reason: string): void => {
    throw new Error(reason);
  };
  const ballast = { bytes: 0, ensure: () => true, release: () => {} };
  const store = createStore({ db, core: core.value, ballast, clock, log: silentLog, isFull: false, onFatal });
  const queue = createCommitQueue((batch) => store.commit(batch));
  let isClosed = false;
  const parts: Parameters<typeof createSqlLedger>[0] = {
    submit: (submission) =>
      isClosed ? Promise.resolve({ kind: "unknown", reason: "stopped" }) : queue.submit(submission),
    view() {
      if (isClosed) throw new Error("the ledger is closed");
      return core.value.view();
    },
  };
  return {
    ...createSqlLedger(parts),
    ...createShardVerbs(parts),
    health: async () => core.value.health(store.condition()),
    onDue: (listener) => store.onDue(listener),
    async close() {
      queue.drain();
      isClosed = true;
    },
  };
}

/** What becomes of a call to a shard. */
export type Wire = (verb: string, shard: number) => "through" | "refused" | "answer lost" | "not sure";

export interface ShardWorld {
  readonly clock: ManualClock;
  readonly databases: readonly DatabaseSync[];
  /** A process of its own over the shards. */
  process(): Ledger;
  /** The shards as a process sees them. */
  wired(): readonly ShardLedger[];
  lose(wire: Wire | null): void;
  /** The most calls that were under way at one time. */
  mostAtOnce(): number;
  /** All shards stop, and start anew on what they stored. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export function openShardWorld(count: number, startAt?: EpochMillis): ShardWorld {
  const clock = createManualClock(startAt);
  const databases = Array.from({ length: count }, () => new DatabaseSync(":memory:"));
  let shards = databases.map((db) => openShard(db, clock));
  let wire: Wire | null = null;
  const calls = { now: 0, most: 0 };

  /** Calls go in and answers come out as copies. */
  async function call(verb: string, number: number, given: readonly unknown[]): Promise<unknown> {
    const way = wire?.(verb, number) ?? "through";
    calls.now += 1;
    calls.most = Math.max(calls.most, calls.now);
    try {
      if (way === "refused") throw new Error("shard unreachable");
      const shard = shards[number];
      if (shard === undefined) throw new Error("no such shard");
      const answered: unknown = await Reflect.apply(Reflect.get(shard, verb), shard, structuredClone(given));
      if (way === "answer lost") throw new Error("answer lost");
      if (way === "not sure") return { kind: "unknown", reason: "disk_fault" };
      return structuredClone(answered);
    } finally {
      calls.now -= 1;
    }
  }
  function overWire(shard: ShardLedger, number: number): ShardLedger {
    const verbs = Object.keys(shard).map((verb) => [verb, (...given: unknown[]) => call(verb, number, given)]);
    return {
      ...(Object.fromEntries(verbs) as ShardLedger),
      onDue: (listener) => shard.onDue(listener),
      close: () => shard.close(),
    };
  }
  const wired = () => shards.map(overWire);
  return {
    clock,
    databases,
    wired,
    process: () => createShardedLedger({ shards: wired(), log: silentLog }),
    lose: (next) => void (wire = next),
    mostAtOnce: () => calls.most,
    async restart() {
      await Promise.all(shards.map((shard) => shard.close()));
      alignDowntime(databases);
      shards = databases.map((db) => openShard(db, clock));
    },
    async close() {
      await Promise.all(shards.map((shard) => shard.close()));
      for (const db of databases) db.close();
    },
  };
}

/** All stop together here, so that none was away for longer than the one that changed last. */
function alignDowntime(databases: readonly DatabaseSync[]): void {
  const changedAt = databases.map((db) => Number(db.prepare("SELECT committed_at FROM store").get()?.["committed_at"]));
  for (const db of databases) db.prepare("UPDATE store SET committed_at = ?").run(Math.max(...changedAt));
}

export const makeShardedHarness =
  (count: number): MakeHarness =>
  async (options = {}) => {
    const world = openShardWorld(count, options.startAt);
    let ledger = world.process();
    return {
      get ledger() {
        return ledger;
      },
      clock: world.clock,
      shards: count,
      async restart() {
        await ledger.close();
        await world.restart();
        ledger = world.process();
      },
      async close() {
        await ledger.close();
        await world.close();
      },
    };
  };
