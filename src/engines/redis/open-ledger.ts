/**
 * Opens a ledger on Redis: looks at the servers before anything is written there, makes or enters the store, and says
 * what is wrong where it cannot be used. Any number of nodes open the same one.
 */
import type { Cause } from "../../domain/audit-entry.ts";
import type { Clock } from "../../kernel/clock.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import { millis } from "../../kernel/time.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/log.ts";
import type { Workforce } from "../../ports/workforce.ts";
import { createConnection, type Connection } from "./connection/connect.ts";
import { describeDurability, type Durability } from "./connection/durability.ts";
import { createRedisLedger } from "./ledger.ts";
import { describePlace } from "./connection/ledger-url.ts";
import { faultOfError, type OpenFault } from "./connection/open-fault.ts";
import type { Wakes, WakesParts } from "./queue/wakes.ts";
import { defaultRetentionDays } from "./audit/audit-trim.ts";
import { startUpkeep } from "./upkeep.ts";
import { createRecentChanges } from "./connection/recent-changes.ts";
import { createScriptRunner, type ScriptRunner, type WallSource } from "./script.ts";
import { checkServers, type CheckedServers, type CheckOptions } from "./connection/server-checks.ts";
import { createShardCalls, type ShardCalls } from "./shard-calls.ts";
import { createShards } from "./shards.ts";
import { enterStore } from "./verbs/enter-store.ts";
import { isOpenedSince } from "./verbs/doors.ts";
import { start } from "./verbs/store.ts";
import { createSignsOfLife } from "./signs-of-life.ts";
import { createWatch, type Watch } from "./connection/watch-servers.ts";

export interface OpenOptions extends CheckOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** SHA-1 as hexadecimal: how Redis names a script. */
  readonly sha1: (text: string) => string;
  /** The server's own unless told: only tests that live in another time do. */
  readonly wall?: WallSource;
}

export interface RedisLedger extends Ledger {
  readonly durability: Durability;
  readonly shards: number;
  readonly workforce: Workforce;
}

const readyMillis = millis(10_000);

type OpenWakes = (parts: WakesParts) => Wakes;

export async function openLedger(options: OpenOptions, openWakes: OpenWakes): Promise<Result<RedisLedger, OpenFault>> {
  const checked = await checkServers(options);
  if (!checked.ok) return checked;
  const { access, log } = options;
  const { shape, mayFailOver } = checked.value;
  const watching: { watch: Watch | null } = { watch: null };
  const connection = createConnection({ shape, access, log, mayFailOver, onDoubt: () => watching.watch?.doubt() });
  try {
    const opened = await enter({ options, openWakes, checked: checked.value, connection, watching });
    if (!opened.ok) connection.close();
    return opened;
  } catch (error) {
    watching.watch?.stop();
    connection.close();
    return err(faultOfError(describePlace(options.place), error));
  }
}

interface Entering {
  readonly options: OpenOptions;
  readonly openWakes: OpenWakes;
  readonly checked: CheckedServers;
  readonly connection: Connection;
  readonly watching: { watch: Watch | null };
}

async function enter(entering: Entering): Promise<Result<RedisLedger, OpenFault>> {
  const { options, openWakes, checked, connection, watching } = entering;
  const { place, access, clock, log, sha1: digest, wall = "server" } = options;
  const { durability, knowsFlags } = checked;
  await inTime(clock, connection.ready());
  const clientFor: Connection["clientFor"] = (script) => connection.clientFor(script);
  const runner = createScriptRunner({ clientFor, digest, wall, knowsFlags });
  const callsFor = (shards: ReturnType<typeof createShards>): ShardCalls =>
    createShardCalls({ runner, shards, clock, held: () => null });
  const { prefix, shards: chosen } = place;
  const count = await enterStore({ prefix, shards: chosen, make: true }, callsFor);
  if (!count.ok) return count;

  const shards = createShards({ prefix, count: count.value });
  const calls = createShardCalls({ runner, shards, clock, held: () => watching.watch?.held() ?? null });
  await start(calls);
  const wakes = openWakes({ calls, connection, shape: checked.shape, access, prefix, clock, log });
  const stopUpkeep = startUpkeep({ calls, clock, log, keepAudit: retention(place) });
  const close = async (): Promise<void> => {
    stopUpkeep();
    watching.watch?.stop();
    await wakes.close();
    connection.close();
  };
  const recent = createRecentChanges(clock, (scope, sequence) => isOpenedSince(calls, scope, sequence));
  const signs = createSignsOfLife({ calls, log });
  const ledger = signs.remember(recent.remember(createRedisLedger({ calls, log, close })));
  const again = createRedisLedger({ calls: callsThatRepeat(runner, shards, clock), log, close });
  watching.watch = createWatch({
    nodes: () => connection.issuingNodes(),
    refresh: () => connection.refresh(),
    noteReplicas: (replicated) => connection.noteReplicas(replicated),
    sayAlive: () => signs.say(),
    replay: () => replay(recent, again, log),
    clock,
    log,
  });
  await watching.watch.start();
  log.info("ledger_opened", {
    place: describePlace(place),
    shards: count.value,
    durability: describeDurability(durability),
  });
  return ok({ ...ledger, durability, shards: count.value, workforce: wakes.workforce });
}

const retention = ({ auditDays }: OpenOptions["place"]) => millis((auditDays ?? defaultRetentionDays) * 24 * 3_600_000);

/** Of what was answered already: not held by what holds up new changes, and never turned away by a closed gate. */
function callsThatRepeat(runner: ScriptRunner, shards: ReturnType<typeof createShards>, clock: Clock): ShardCalls {
  const repeating: ScriptRunner = {
    run: (script, key, command) => runner.run(script, key, { ...command, lost: true }),
  };
  return createShardCalls({ runner: repeating, shards, clock, held: () => null });
}

async function replay(recent: ReturnType<typeof createRecentChanges>, ledger: Ledger, log: Log): Promise<boolean> {
  const { isDone, changes, lost } = await recent.replay(ledger);
  if (!isDone) return false;
  log.warn("ledger_replayed", { changes, lost });
  const audited = await ledger.appendAudit({
    type: "store.replayed",
    taskId: null,
    leaseId: null,
    cause: broker,
    data: { changes, lost },
  });
  return audited.kind === "ok";
}

const broker: Cause = { actor: "broker", requestId: null };

async function inTime(clock: Clock, promise: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(readyMillis, () => reject(new Error("ETIMEDOUT not ready in time")));
  try {
    await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
