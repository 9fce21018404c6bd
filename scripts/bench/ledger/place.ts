/** Opens a ledger of either engine, by the file or the URL that says where it is, with the workforce that goes with it. */
import { createHash } from "node:crypto";
import { createLocalWorkforce } from "../../../src/broker/kill/local-workforce.ts";
import { parseLedgerUrl } from "../../../src/engines/redis/connection/ledger-url.ts";
import { openRedisLedger, type RedisLedger } from "../../../src/engines/redis/open.ts";
import { nodeClock } from "../../../src/entry/node-clock.ts";
import { createNodeLog } from "../../../src/entry/node-log.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Workforce } from "../../../src/ports/workforce.ts";
import { openLedger } from "./populate.ts";

/** A file of SQLite, or `redis://...`. */
export async function openPlace(
  place: string,
  clock: Clock = nodeClock,
): Promise<{ readonly ledger: Ledger; readonly workforce: Workforce }> {
  if (!place.startsWith("redis:")) return { ledger: await openLedger(place, clock), workforce: createLocalWorkforce() };
  const ledger = await openRedis(place, clock);
  return { ledger, workforce: ledger.workforce };
}

export async function openRedis(url: string, clock: Clock = nodeClock): Promise<RedisLedger> {
  const place = parseLedgerUrl(url);
  if (!place.ok) throw new Error(place.fault.message);
  const access = { user: null, password: null, sentinelPassword: null, tls: null };
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
  const log = createNodeLog("error");
  const opened = await openRedisLedger({ place: place.value, access, demand: null, clock, log, sha1 });
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value;
}
