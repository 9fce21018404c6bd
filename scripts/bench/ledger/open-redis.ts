/** Opens a ledger on a Redis server of the bench. */
import { createHash } from "node:crypto";
import { parseLedgerUrl } from "../../../src/engines/redis/connection/ledger-url.ts";
import { openRedisLedger, type RedisLedger } from "../../../src/engines/redis/open.ts";
import { systemClock } from "../../../src/entry/system-clock.ts";
import { createNodeLog } from "../../../src/entry/node-log.ts";
import type { Clock } from "../../../src/kernel/clock.ts";

export async function openRedis(url: string, clock: Clock = systemClock): Promise<RedisLedger> {
  const place = parseLedgerUrl(url);
  if (!place.ok) throw new Error(place.fault.message);
  const access = { user: null, password: null, sentinelPassword: null, tls: null };
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
  const log = createNodeLog("error");
  const opened = await openRedisLedger({ place: place.value, access, demand: null, clock, log, sha1 });
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value;
}
