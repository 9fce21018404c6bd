/** A ledger that is opened as `mayfly serve` opens it, over a server of the test. */
import { createHash } from "node:crypto";
import type { RedisLedger, OpenOptions } from "../../src/engines/redis/open.ts";
import { openRedisLedger } from "../../src/engines/redis/open.ts";
import type { OpenFault } from "../../src/engines/redis/connection/open-fault.ts";
import { parseLedgerUrl } from "../../src/engines/redis/connection/ledger-url.ts";
import type { Access } from "../../src/engines/redis/connection/node-client.ts";
import type { TaskId } from "../../src/kernel/ids.ts";
import type { Ledger } from "../../src/ports/ledger.ts";
import type { Result } from "../../src/kernel/result.ts";
import { operator } from "./builders.ts";
import { realClock } from "./real-clock.ts";
import { silentLog } from "./silent.ts";

export const noAccess: Access = { user: null, password: null, sentinelPassword: null, tls: null };

export function openOptions(url: string, change: Partial<OpenOptions> = {}): OpenOptions {
  const place = parseLedgerUrl(url);
  if (!place.ok) throw new Error(place.fault.message);
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
  return { place: place.value, access: noAccess, demand: null, clock: realClock, log: silentLog, sha1, ...change };
}

export const tryOpen = (url: string, change?: Partial<OpenOptions>): Promise<Result<RedisLedger, OpenFault>> =>
  openRedisLedger(openOptions(url, change));

export async function openAt(url: string, change?: Partial<OpenOptions>): Promise<RedisLedger> {
  const opened = await tryOpen(url, change);
  if (!opened.ok) throw new Error(`${opened.fault.reason}: ${opened.fault.message}`);
  return opened.value;
}

export const endTask = (ledger: Ledger, taskId: TaskId) =>
  ledger.endTask({ taskId, outcome: "completed", reason: null, cause: operator });

/** Whether this process would issue now. */
export async function mayIssue(ledger: Ledger): Promise<boolean> {
  try {
    return (await ledger.health()).suspended === null;
  } catch {
    return false;
  }
}
