/**
 * One shard of the ledger in one Durable Object: the verbs of the SQL engine, each in a transaction of its own. Nothing
 * is gathered into a common commit, because the runtime writes what one turn of its event loop did together anyway.
 */
import type { Clock } from "../../kernel/clock.ts";
import { ok, type Result } from "../../kernel/result.ts";
import { epochMillis, type EpochMillis } from "../../kernel/time.ts";
import type { Answer } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import { startSqlCore, type AwaySince, type SqlCore, type StoreCondition, type Verb } from "../sql/core.ts";
import { createSqlLedger, type Submission } from "../sql/ledger.ts";
import { createShardVerbs } from "../sql/shard-verbs.ts";
import type { SchemaFault } from "../sql/store-row.ts";
import { releaseLostClaims } from "../sql/verbs/claim-verbs.ts";
import { firstClose } from "../sql/verbs/sweep-reads.ts";
import { createObjectDriver, isFull, isStoreFault } from "./object-driver.ts";
import type { ObjectStorage } from "./object-storage.ts";
import type { ShardLedger } from "./shard-ledger.ts";

export interface ShardOptions {
  readonly storage: ObjectStorage;
  readonly clock: Clock;
  readonly log: Log;
  readonly awaySince?: AwaySince;
  /** Issuing stops above it; what is left to the platform's own bound is for kills. */
  readonly maxIssuingBytes?: number;
}

/** The platform's bound is 10 GB an object. */
const defaultMaxIssuingBytes = 9_000_000_000;

export interface Shard extends ShardLedger {
  /** Makes due at once what an earlier life of the object had claimed: an object runs once in the world. */
  releaseLostClaims(): Promise<void>;
}

/** A store of a newer release is left as it is. */
export function openShard(options: ShardOptions): Result<Shard, SchemaFault> {
  const { storage, clock, awaySince = overdueSince(clock) } = options;
  const sql = createObjectDriver(storage);
  const started = storage.transactionSync(() => startSqlCore({ sql, clock, awaySince }));
  if (!started.ok) return started;
  const store = createStore(started.value, options);
  return ok({
    ...createSqlLedger(store),
    ...createShardVerbs(store),
    health: async () => started.value.health(store.condition()),
    onDue: (listener) => store.onDue(listener),
    async releaseLostClaims() {
      await store.submit({ isKill: true, leaseId: null, run: releaseLostClaims });
    },
    close: async () => store.stop(),
  });
}

/**
 * An object that was asleep was not away: a request would have woken it. It was away if its own alarm did not wake it when
 * the first task lapsed. For how long before that nobody knows: it is taken to be as long again.
 */
const overdueSince =
  (clock: Clock): AwaySince =>
  (sql, lastChangeAt) => {
    const lapsedAt = firstClose(sql, 0);
    if (lapsedAt === null || lastChangeAt === null) return null;
    const late = clock.now() - lapsedAt;
    return late <= 0 ? null : epochMillis(Math.max(lastChangeAt, lapsedAt - late));
  };

function createStore(core: SqlCore, { storage, log, maxIssuingBytes = defaultMaxIssuingBytes }: ShardOptions) {
  const listeners: ((dueAt: EpochMillis) => void)[] = [];
  let hasNoRoom = false;
  let isStopped = false;
  const condition = (): StoreCondition =>
    isStopped ? "stopped" : hasNoRoom || storage.sql.databaseSize > maxIssuingBytes ? "disk_full" : null;

  /** Whether the verb ran; a bug of a verb is thrown on, with nothing of it kept. */
  function commit(verb: Verb): "done" | "lost" {
    try {
      storage.transactionSync(() => core.run([verb], condition()));
      hasNoRoom = false;
      return "done";
    } catch (error) {
      core.rolledBack();
      if (!isStoreFault(error)) throw error;
      hasNoRoom = isFull(error);
      log.error("commit_failed", { trouble: hasNoRoom ? "full" : "store" });
      return "lost";
    }
  }

  return {
    condition,
    view() {
      if (isStopped) throw new Error("the ledger is closed");
      return core.view();
    },
    onDue: (listener: (dueAt: EpochMillis) => void) => void listeners.push(listener),
    stop: () => void (isStopped = true),
    async submit<T, C>({ run }: Submission<T, C>): Promise<Answer<T, C>> {
      if (isStopped) return { kind: "unknown", reason: "stopped" };
      let answer: Answer<T, C> | undefined;
      const ending = commit({
        run: (tx) => void (answer = run(tx)),
        threw(error) {
          throw error;
        },
      });
      if (ending === "lost" || answer === undefined) return { kind: "unknown", reason: condition() ?? "store_fault" };
      const dueAt = core.committed();
      if (dueAt !== null) for (const listener of listeners) listener(dueAt);
      return answer;
    },
  };
}
