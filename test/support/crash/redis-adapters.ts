/**
 * The adapters of a broker on Redis, as `serve` opens them, but with the wall clock of the process in the place of the
 * server's: only so can a run live a hundred seconds later without waiting for them.
 */
import { createHash } from "node:crypto";
import type { Machine } from "../../../src/entry/adapters.ts";
import type { Adapters } from "../../../src/entry/assemble.ts";
import type { ConfigFault, ServeOptions } from "../../../src/entry/config.ts";
import { openConnections } from "../../../src/entry/node-connections.ts";
import { readKeys } from "../../../src/entry/read-keys.ts";
import { openRedisLedger } from "../../../src/engines/redis/open.ts";
import { ok, type Result } from "../../../src/kernel/result.ts";
import { noAccess } from "../redis-opened.ts";

export async function openRedisAdapters(
  options: ServeOptions,
  machine: Machine,
): Promise<Result<Adapters, ConfigFault>> {
  const keys = await readKeys(options, machine);
  if (!keys.ok) return keys;
  if (options.ledger.kind !== "redis") throw new Error("not a Redis ledger");
  const { clock, log } = machine;
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");
  const { place } = options.ledger;
  const opened = await openRedisLedger({ place, access: noAccess, demand: null, clock, log, sha1, wall: "command" });
  if (!opened.ok) throw new Error(opened.fault.message);
  const { workforce } = opened.value;
  return ok({ ...keys.value, ledger: opened.value, workforce, connections: openConnections(options.mode) });
}
