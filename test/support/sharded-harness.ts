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
import type { Ledger } from "../../src/ports/ledger.ts";
import type { MakeHarness } from "../kit/ledger/harness.ts";
import { createManualClock } from "./manual-clock.ts";
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

/** Decides of each call whether it reaches its shard. */
export type Wire = (verb: string, shard: number) => "through" | "refused" | "answer lost";

/** Calls go in and answers come out as copies; the wire may lose either. */
export function overWire(shard: ShardLedger, number: number, wire: Wire): ShardLedger {
  const verbs = Object.entries(shard).map(([verb, call]) => [
    verb,
    verb === "onDue" || verb === "close"
      ? call
      : async (...given: unknown[]) => {
          const way = wire(verb, number);
          if (way === "refused") throw new Error("shard unreachable");
          const answered: unknown = await Reflect.apply(call, shard, structuredClone(given));
          if (way === "answer lost") throw new Error("answer lost");
          return structuredClone(answered);
        },
  ]);
  return Object.fromEntries(verbs) as ShardLedger;
}

/** All stop together here, so that none was away for longer than the one that changed last. */
function alignDowntime(databases: readonly DatabaseSync[]): void {
  const opened = databases.filter((db) => db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'store'").get());
  const changedAt = opened.map((db) => Number(db.prepare("SELECT committed_at FROM store").get()?.["committed_at"]));
  for (const db of opened) db.prepare("UPDATE store SET committed_at = ?").run(Math.max(...changedAt));
}

const through: Wire = () => "through";

export const makeShardedHarness =
  (count: number): MakeHarness =>
  async (options = {}) => {
    const clock = createManualClock(options.startAt);
    const databases = Array.from({ length: count }, () => new DatabaseSync(":memory:"));
    const open = (): Ledger => {
      alignDowntime(databases);
      const shards = databases.map((db, number) => overWire(openShard(db, clock), number, through));
      return createShardedLedger({ shards, log: silentLog });
    };
    let ledger = open();
    return {
      get ledger() {
        return ledger;
      },
      clock,
      shards: count,
      async restart() {
        await ledger.close();
        ledger = open();
      },
      async close() {
        await ledger.close();
        for (const db of databases) db.close();
      },
    };
  };
