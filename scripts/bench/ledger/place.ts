/** Opens a ledger of either engine, by the file or the URL that says where it is, with the workforce that goes with it. */
import { createLocalWorkforce } from "../../../src/broker/kill/local-workforce.ts";
import { systemClock } from "../../../src/entry/system-clock.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Workforce } from "../../../src/ports/workforce.ts";
import { openLedger } from "./populate.ts";

/** A file of SQLite, or `redis://...`. */
export async function openPlace(
  place: string,
  clock: Clock = systemClock,
): Promise<{ readonly ledger: Ledger; readonly workforce: Workforce }> {
  if (!place.startsWith("redis:")) return { ledger: await openLedger(place, clock), workforce: createLocalWorkforce() };
  // As the broker does it: who is on SQLite does not wait for the other engine's libraries.
  const { openRedis } = await import("./open-redis.ts");
  const ledger = await openRedis(place, clock);
  return { ledger, workforce: ledger.workforce };
}
