/** Asks a store something beside whatever uses it, without being one of its nodes: nobody is told that this one lives. */
import type { Clock } from "../../kernel/clock.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { Log } from "../../ports/log.ts";
import { createConnection } from "./connection/connect.ts";
import { describePlace, type RedisPlace } from "./connection/ledger-url.ts";
import type { Access } from "./connection/node-client.ts";
import { faultOfError, type OpenFault } from "./connection/open-fault.ts";
import { createScriptRunner } from "./script.ts";
import type { CheckedServers } from "./connection/server-checks.ts";
import { createShardCalls, type ShardCalls } from "./shard-calls.ts";
import { createShards, type Shards } from "./shards.ts";
import { enterStore, type StoreWish } from "./verbs/enter-store.ts";

export interface Visit extends Pick<StoreWish, "mayBeHalfRestored"> {
  readonly place: RedisPlace;
  readonly access: Access;
  readonly checked: Pick<CheckedServers, "shape" | "knowsFlags" | "mayFailOver">;
  readonly clock: Clock;
  readonly log: Log;
  readonly sha1: (text: string) => string;
}

/** Null where there is no store yet. */
export async function visitStore<T>(
  visit: Visit,
  ask: (calls: ShardCalls) => Promise<T>,
): Promise<Result<T | null, OpenFault>> {
  const { place, access, checked, clock, log, sha1: digest, mayBeHalfRestored } = visit;
  const { shape, knowsFlags, mayFailOver } = checked;
  const connection = createConnection({ shape, access, log, mayFailOver, onDoubt: () => {} });
  const runner = createScriptRunner({
    clientFor: (script) => connection.clientFor(script),
    digest,
    wall: "server",
    knowsFlags,
  });
  const callsFor = (shards: Shards): ShardCalls => createShardCalls({ runner, shards, clock, held: () => null });
  try {
    await connection.ready();
    const { prefix, shards } = place;
    const wish = { prefix, shards, make: false, ...(mayBeHalfRestored === true && { mayBeHalfRestored }) };
    const count = await enterStore(wish, callsFor);
    if (!count.ok || count.value === 0) return count.ok ? ok(null) : count;
    return ok(await ask(callsFor(createShards({ prefix, count: count.value }))));
  } catch (error) {
    return err(faultOfError(describePlace(place), error));
  } finally {
    connection.close();
  }
}
