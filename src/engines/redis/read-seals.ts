/** Which sealing keys the living credentials of a store need, read beside whatever uses it. Writes nothing. */
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
import { enterStore } from "./verbs/enter-store.ts";
import { sealedKeyIds } from "./verbs/lists.ts";

export interface SealsQuestion {
  readonly place: RedisPlace;
  readonly access: Access;
  readonly checked: Pick<CheckedServers, "shape" | "knowsFlags">;
  readonly clock: Clock;
  readonly log: Log;
  readonly sha1: (text: string) => string;
}

/** Null where there is no store yet. */
export async function readSealKeys(question: SealsQuestion): Promise<Result<readonly string[] | null, OpenFault>> {
  const { place, access, checked, clock, log, sha1: digest } = question;
  const { shape, knowsFlags } = checked;
  const connection = createConnection({ shape, access, log, mayFailOver: false, onDoubt: () => {} });
  const runner = createScriptRunner({
    clientFor: (script) => connection.clientFor(script),
    digest,
    wall: "server",
    knowsFlags,
  });
  const callsFor = (shards: Shards): ShardCalls => createShardCalls({ runner, shards, clock, held: () => null });
  try {
    await connection.ready();
    const count = await enterStore({ prefix: place.prefix, shards: place.shards, make: false }, callsFor);
    if (!count.ok || count.value === 0) return count.ok ? ok(null) : count;
    return ok(await sealedKeyIds(callsFor(createShards({ prefix: place.prefix, count: count.value }))));
  } catch (error) {
    return err(faultOfError(describePlace(place), error));
  } finally {
    connection.close();
  }
}
