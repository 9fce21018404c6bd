/**
 * A Durable Object that is a whole broker: the app, the policy and the providers, with its shard of the ledger in its own
 * storage. All requests of an object share one context, so that waiting, caching and killing work as in a process. The
 * platform ends it whenever it likes, and wakes it for requests, for other shards, and by its alarm for what falls due.
 */
import type { DurableObjectState } from "@cloudflare/workers-types";
import { openShard, type Shard } from "../../engines/durable-object/open-shard.ts";
import { askShard, type ShardVerb } from "../../engines/durable-object/remote-shard.ts";
import { createWaking, type Waking } from "../../engines/durable-object/waking.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { addMillis, earliest, millis, type EpochMillis } from "../../kernel/time.ts";
import type { Log } from "../../ports/log.ts";
import type { PolicyFile } from "../../policy/parse/yaml-documents.ts";
import { systemClock } from "../system-clock.ts";
import { createEdgeLog } from "./edge-log.ts";
import type { MetricsSnapshot } from "./edge-metrics.ts";
import { composeInObject, longestSleep, type ObjectBroker, type ShardEnv } from "./compose-in-object.ts";
import { parseEdgeSettings, textsOf, type EdgeSettings } from "./settings.ts";
import { shardNames } from "./shard-objects.ts";
import { wordsOf } from "./refused.ts";
import { unavailable } from "./unavailable.ts";

export interface ShardObject {
  fetch(request: Request): Promise<Response>;
  /** A verb of its shard of the ledger, for other objects. */
  ask(verb: ShardVerb, args: readonly unknown[]): Promise<unknown>;
  metrics(): Promise<MetricsSnapshot>;
  alarm(): Promise<void>;
}

/** An alarm's handler may run for 15 minutes and 30 s of CPU; the rest of a backlog is the next alarm's. */
const workMillis = millis(20_000);
/** Between two looks at what is due and could not be done. */
const pauseMillis = 1000;
/** While there is no broker to work: soon, because what lives outlives its time until then. */
const refusedPauseMillis = 5_000;

export function createShardObject(
  state: DurableObjectState,
  env: ShardEnv,
  deployed: readonly PolicyFile[],
): ShardObject {
  const opened = tryOpen(state, env);
  if (!opened.ok) return refuseAll(opened.fault, createWaking(state.storage));
  const { settings, number, log, shard, waking } = opened.value;
  let composing: Promise<ObjectBroker> | null = null;

  /** A broker that could not be composed is tried anew by whoever asks next. */
  const broker = (): Promise<ObjectBroker> =>
    (composing ??= composeInObject({ state, env, deployed, settings, number, log, shard }).catch((error: unknown) => {
      composing = null;
      throw error;
    }));

  void state.blockConcurrencyWhile(async () => {
    try {
      await shard.releaseLostClaims();
      await waking.anew(() => nextWork(shard, { pause: 0, atMost: longestSleep }));
    } catch {
      log.error("object_not_ready", { next_try_seconds: refusedPauseMillis / 1000 });
      await waking.anew(afterRefusal);
    }
  });
  return {
    async ask(verb, args) {
      try {
        return await askShard(shard, verb, args);
      } catch (error) {
        log.error("shard_verb_failed", { verb, error: error instanceof Error ? error.name : typeof error });
        throw error;
      }
    },
    metrics: async () => (await broker()).metrics(),
    async fetch(request) {
      try {
        return await (await broker()).fetch(request);
      } catch {
        return unavailable();
      }
    },
    async alarm() {
      try {
        const atMost = await (await broker()).work(workMillis);
        await waking.anew(() => nextWork(shard, { pause: pauseMillis, atMost }));
      } catch {
        log.error("alarm_failed", { next_try_seconds: refusedPauseMillis / 1000 });
        await waking.anew(afterRefusal);
      }
    },
  };
}

interface Opened {
  readonly settings: EdgeSettings;
  readonly number: number;
  readonly log: Log;
  readonly shard: Shard;
  readonly waking: Waking;
}

/** What throws on the way is a store in trouble or a bug: the alarm must outlive both. */
function tryOpen(state: DurableObjectState, env: ShardEnv): Result<Opened, string> {
  try {
    return open(state, env);
  } catch (error) {
    createEdgeLog("info").error("object_not_opened", { error: error instanceof Error ? error.name : typeof error });
    return err("the stored ledger could not be opened");
  }
}

function open(state: DurableObjectState, env: ShardEnv): Result<Opened, string> {
  const settings = parseEdgeSettings(textsOf(env));
  const log = createEdgeLog(settings.ok ? settings.value.logLevel : "info");
  const refuse = (reason: string): Result<never, string> => {
    log.error("object_refused", { reason });
    return err(reason);
  };
  if (!settings.ok) return refuse(settings.fault.map(wordsOf).join("; "));
  const number = shardNames.numberOf(env.SHARD, state.id, settings.value.shards);
  if (number === undefined) return refuse("no shard has the name of this object");
  const made = shardsAtFirst(state, settings.value.shards);
  if (made !== settings.value.shards)
    return refuse(`the ledger was made with ${made} shards: set MAYFLY_SHARDS to that`);
  const opened = openShard({ storage: state.storage, clock: systemClock, log });
  if (!opened.ok) return refuse(`the stored ledger cannot be used (${opened.fault.reason}); nothing was changed`);
  const waking = createWaking(state.storage);
  opened.value.onDue((at) => waking.by(at));
  return ok({ settings: settings.value, number, log, shard: opened.value, waking });
}

/** With another number every task and lease would be looked for in the wrong object. */
function shardsAtFirst({ storage }: DurableObjectState, shards: number): number {
  const key = "shards";
  const known = storage.kv.get<number>(key);
  if (known === undefined) storage.kv.put(key, shards);
  return known ?? shards;
}

/** When the next thing falls due; what is due already waits for `pause`. */
async function nextWork(
  shard: Shard,
  { pause, atMost }: { readonly pause: number; readonly atMost: number },
): Promise<EpochMillis> {
  const { now, targets, sweep, nextAt } = await shard.dueWork();
  const owed = await shard.listOwed(1);
  if (targets.length > 0 || sweep || owed.length > 0) return addMillis(now, pause);
  const latest = addMillis(now, atMost);
  return nextAt === null ? latest : earliest(latest, nextAt);
}

const afterRefusal = async (): Promise<EpochMillis> => addMillis(systemClock.now(), refusedPauseMillis);

/**
 * Whoever asks finds no answer, and the ledger stays as it is. The alarm goes on: what lives there must die when the reason is
 * mended, though nobody may ask by then.
 */
function refuseAll(reason: string, waking: Waking): ShardObject {
  const refuse = (): Promise<never> => Promise.reject(new Error(reason));
  return {
    ask: refuse,
    metrics: refuse,
    fetch: () => Promise.resolve(unavailable()),
    alarm: () => waking.anew(afterRefusal),
  };
}
